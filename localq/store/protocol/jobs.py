"""How a store writes jobs: they are added, claimed, finished, changed and removed.

Each verb is one atomic step: after an error or a crash either all of it is there or none. Bells are rung once it is
written; what fails of that is not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from localq.model.job import JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.rates import NO_RATES, Rate
from localq.model.worker import Claim, Served

__all__ = ["Added", "Finished", "Jobs"]


class Added(NamedTuple):
    """What became of a job that was to be added: the id of the one that is there, and whether that is new."""

    id: str
    new: bool


class Finished(NamedTuple):
    """What came of completions.

    `applied` says of each whether it was written. `ready`: whether jobs of theirs, or that follow them, may be claimed
    now; `freed`: whether jobs that waited for them may; `next_at`: when the earliest of theirs is to run again.
    """

    applied: list[bool]
    ready: bool = False
    freed: bool = False
    next_at: int | None = None


class Jobs(Protocol):
    """Jobs as they are written."""

    def add(self, jobs: Sequence[NewJob], now: int) -> list[Added]:
        """Add jobs, all or none, durably before this returns.

        A job whose id exists is left as it is. A job with something to wait for (`after`) is WAITING; one with a
        `run_at` after `now` is SCHEDULED, else READY. What is waited for may be added along, or be there: if it has
        finished, that counts as if it finished now.

        Rings the workers.

        Again: the jobs are there as they are by now, none of them new; nothing is written.

        Returns:
            Of each, in order, the job that is there now.
        """
        ...

    def claim(
        self, worker: int, served: Served, limit: int, now: int, rates: Mapping[str, Rate] | None = NO_RATES
    ) -> Claim:
        """Take up to `limit` READY jobs for a worker, having made due SCHEDULED ones of the queues served READY.

        1. Higher priority first, then the order of adding; over all the queues served.
        2. Each becomes RUNNING, with `run_token` and `attempts` one higher and `owner` the worker.
        3. Only jobs of the queues and tasks served are taken; the others stay as they are, and in nobody's way.
        4. `next_at` is the earliest `run_at` of what is still SCHEDULED in the queues served, or None.
        5. A worker that is gone gets nothing, and `held` is False.
        6. Nothing is taken from a paused queue.
        7. No more jobs of a task are taken than its limit allows, over all workers: `rates` has the limits tasks
           have by themselves, over which RATE orders go; with None no limit holds. Jobs over it are parked:
           SCHEDULED at PARKED_AT, uncharged, in nobody's way; a later claim takes them, higher priority first,
           then the order of adding, and `next_at` is no later than it may.
        8. Jobs that cannot run because of others (`culprit`) come first, whatever their queues are and beyond
           `limit`: the worker is to say so.

        Again: takes more jobs. Those whose names were lost on the way are told by the next heartbeat, as orphans.
        """
        ...

    def finish(self, completions: Sequence[Completion], now: int) -> Finished:
        """Write what attempts came to.

        For each completion: (a) where `id, run_token, owner, RUNNING` does not hold write nothing for it;
        (b) the state, the attempt with its result or failure; (c) its follow-up jobs, and the call that replaces its
        own; (d) what waits for it is counted down: at zero it is READY, or SCHEDULED; what cannot do without it
        (`OnError`) has it as its culprit. A job flagged for cancelling that would run again becomes CANCELLED
        instead, and its follow-up jobs are not added if they are part of what should have replaced it.

        Rings who waits for the results that are there, and the workers if others may claim something now.

        Again: no completion holds any more, so that nothing is applied, and no follow-up job added twice.
        """
        ...

    def note(self, notes: Sequence[Note], now: int) -> None:
        """Keep what unfinished jobs say of themselves; notes of unknown or finished jobs are dropped.

        Again: the same is kept once more, or dropped by now.
        """
        ...

    def cancel(self, ids: Sequence[str], now: int, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs: those that wait are CANCELLED at once, RUNNING ones are flagged; (d) of `finish` holds.

        Rings the workers with the word CANCEL, and who waits for the results.

        Again: what waited is found CANCELLED, a running job keeps its flag; nothing else changes.

        Args:
            signal: 0 lets a running job go on (but not run again); else the signal its process should get.

        Returns:
            The state each known id had before.
        """
        ...

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again, with no retries or crashes counted; return the ids that were.

        In a workflow a job also brings back what it cannot do without and did not succeed; and what failed because
        of it waits for it again. Rings the workers.

        Again: what is READY, or has begun, by now is left alone and not returned; what has ended again runs once more.
        """
        ...

    def forget(self, ids: Sequence[str]) -> int:
        """Remove finished jobs with all they hold, unless an unfinished one waits for them; return how many.

        Again: they are gone, and not counted.
        """
        ...

    def purge(self, queues: Sequence[str] | None) -> int:
        """Remove all jobs that wait in the queues (None: all queues); running ones stay. Return how many.

        What waits for a removed job elsewhere has a culprit that is not there any more.

        Again: removes what has come to wait since.
        """
        ...

    def prune(self, before: int, limit: int) -> int:
        """Remove up to `limit` jobs that finished before a time, and workers gone before it; return jobs removed.

        A job of a workflow stays until all of the workflow finished before that time.

        Again: removes up to `limit` more.
        """
        ...

    def backlog(self, served: Served, most: int) -> int:
        """Return the number of READY jobs in the queues served, counting no further than `most`.

        Cheap, however many there are.

        Again: counts once more.
        """
        ...
