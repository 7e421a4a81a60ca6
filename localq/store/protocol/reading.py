"""How a store is read: jobs, their attempts and results, workflows, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from localq.model.edges import Input, Tie
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt

__all__ = ["LINE", "LOOK", "Filter", "Inputs", "Page", "Reading", "Seen", "Stats"]


#: Jobs that a page is looked for among, if nothing else is said.
LOOK = 10_000
#: READY jobs of a queue and priority among which `stats` looks for the one that has waited longest.
LINE = 1000


class Filter(NamedTuple):
    """Which jobs to find; None means any. `before` pages: only jobs before a cursor, or a job's key.

    `added` are two times: not before the first, and before the second. `worker` has run it, or runs it. `text` is in
    its arguments or in the error of one of its runs, as they lie there: those that are packed hide it.
    """

    states: tuple[JobState, ...] | None = None
    tasks: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    shown: str | None = None
    before: int | None = None
    added: tuple[int | None, int | None] = (None, None)
    worker: str | None = None
    text: str | None = None


class Page(NamedTuple):
    """Jobs that were found, newest first, and how far was looked for them: every one that far back is among them.

    `cursor` is where to go on (`Filter.before`), and `looked_back_to` when the last job that was looked at was added;
    None, both: there was nothing more to look at. A page may be short, or empty, and yet not the last.
    """

    jobs: list[Job]
    cursor: int | None
    looked_back_to: int | None


class Seen(NamedTuple):
    """A job as whoever waits for it sees it: with its last attempt, and its last note's data (JSON bytes).

    The note's data only while the job runs or shows a state of its own.
    """

    job: Job
    attempt: Attempt | None
    note: bytes | None


class Inputs(NamedTuple):
    """What a job gets of those it waited for, in the order of its edges; those that give nothing are left out.

    `culprit` is the job it cannot run because of, with its last attempt; None if there is none, or not any more.
    """

    given: list[Input]
    culprit: Seen | None


class Stats(NamedTuple):
    """How many jobs there are by queue and state, and since when each queue's longest waiting READY job could run.

    `in_front` is the number of READY jobs by queue and task, among those that are looked at. `next_at` is when each
    queue's first SCHEDULED job is to run: where that is over, nobody who serves the queue has claimed since.
    """

    counts: dict[tuple[str, JobState], int]
    waiting_since: dict[str, int]
    in_front: dict[tuple[str, str], int]
    next_at: dict[str, int]

    def oldest(self, now: int) -> int | None:
        """Return since when the job has waited that could have run first; None: none could."""
        due = (at for at in self.next_at.values() if at <= now)
        return min((*self.waiting_since.values(), *due), default=None)


class Reading(Protocol):
    """What there is to know of jobs: no verb writes, or waits for who does.

    Again: looks once more, and changes nothing.
    """

    def get(self, ids: Sequence[str], args: bool = False) -> dict[str, Job]:
        """Return the jobs known among `ids`; with their arguments if asked for."""
        ...

    def seen(self, ids: Sequence[str]) -> dict[str, Seen]:
        """Return each known job with its last attempt and note, in one read."""
        ...

    def notes(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the data of each known job's last note, in one read; jobs without any are left out.

        Of a job that is over, too: it is what its last run said last.
        """
        ...

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return every kept attempt of a job, first to last."""
        ...

    def find(self, which: Filter, limit: int, look: int = LOOK) -> Page:
        """Return a page of jobs, newest first, without their arguments.

        However many jobs there are, a call looks at some `look` of them and no more, for other verbs may have to wait
        as long; going on from the cursor until that is None finds all. To keep within that a store must know its jobs
        in the order of adding, and apart from that those RUNNING, FAILED, CANCELLED, and by the state they show, each
        in that order too: these are few, may lie far behind others, and are what is asked for most. All else, such as
        a task or a queue, may be found by looking at one job after another.

        Args:
            limit: How many jobs the page has at most, one or more.
            look: How many that do not fit may be looked at; a store may look at some more.
        """
        ...

    def starting(self, prefix: str, limit: int) -> list[Job]:
        """Return up to `limit` jobs whose ids start so, the greatest ids first, without their arguments."""
        ...

    def family(self, workflow: str, most: int | None = None) -> tuple[list[Job], list[Tie]]:
        """Return the jobs of a workflow, and the job whose id is its name, in the order of adding; and the edges.

        Args:
            most: Only the first so many, with the edges between them: a workflow may have any number. A store must
                find these without reading the others whole.
        """
        ...

    def awaited(self, job_id: str, most: int) -> list[Job]:
        """Return up to `most` jobs that one waits for, or did, in the order of its edges, without their arguments.

        Those that failed or were cancelled come before all others, and those that are not over next.
        """
        ...

    def inputs(self, ids: Sequence[str]) -> dict[str, Inputs]:
        """Return what each known job gets of those it waited for, and what keeps it from running, in one read.

        A result is that of the last success, unless the job has failed or was cancelled since.
        """
        ...

    def ahead(self, job_id: str, most: int) -> int:
        """Return the number of READY jobs that come before a READY one in its queue, counting no further than `most`.

        Those of higher priority come first, then those added before. 0 for any other job.
        """
        ...

    def stranded(self, limit: int) -> list[Job]:
        """Return up to `limit` WAITING jobs that nothing will ever let go, oldest first, without their arguments.

        There are none, whatever verbs were called: they are what a fault of the store, or another hand, has left.
        """
        ...

    def stats(self, finished: bool = True) -> Stats:
        """Return what a look at all jobs finds.

        Of each queue and priority no more than the first `LINE` READY jobs are asked for their task and since when
        they wait: they are the first to be claimed, and those that nobody claims.

        Args:
            finished: Count those that are over too. A store that counts by looking need not look at them otherwise:
                there may be millions, and it is the others that are asked for often.
        """
        ...

    def waiting_tasks(self) -> dict[tuple[str, str], int]:
        """Return the number of jobs that wait or are due, by queue and task."""
        ...
