"""How what a store holds goes into another: jobs, edges and saved groups as they are, and counts of what is gone.

All else goes by the verbs there are: schedules by `put`, `record` and `fire`, orders by `order`, changes by the book's
`record`. Workers, letters and how full rate limits are stay behind.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from localq.model.edges import Tie
from localq.model.job import Job
from localq.model.outcome import Attempt
from localq.model.tally import Tally

__all__ = ["Held", "Moving", "Portion", "SavedGroup", "Tied", "WholeJob"]


class Held(StrEnum):
    """What a portion is of."""

    #: In the order of adding; the place is a job's key.
    JOBS = "jobs"
    #: Jobs that wait for others, or did, in the order of adding; the place is a job's key.
    TIES = "ties"
    #: By their ids, which are the place.
    GROUPS = "groups"


class WholeJob(NamedTuple):
    """A job with its arguments and all it holds of its own: every attempt that is kept, and its note's data."""

    job: Job
    attempts: tuple[Attempt, ...] = ()
    note: bytes | None = None


class Tied(NamedTuple):
    """What a job waits for, or did: all its edges by position, and the id of its culprit, as `Job.culprit` has it."""

    id: str
    ties: tuple[Tie, ...]
    culprit: str | None = None


class SavedGroup(NamedTuple):
    """A group that was saved, and when."""

    id: str
    content: bytes
    saved_at: int


class Portion(NamedTuple):
    """Some of what a store holds. `last` is the place of the last of it, from which to go on; None: there was nothing.

    `tallies` are counts of finished jobs that are not there.
    """

    jobs: tuple[WholeJob, ...] = ()
    ties: tuple[Tied, ...] = ()
    groups: tuple[SavedGroup, ...] = ()
    tallies: tuple[Tally, ...] = ()
    last: str | None = None


class Moving(Protocol):
    """What goes from one store into another, which may be of another kind.

    Whoever moves sees to it that meanwhile nobody claims what is moved, in either store: what is put may be a job that
    waits for one which is not there yet.
    """

    def take(self, held: Held, after: str | None, limit: int) -> Portion:
        """Return up to `limit` jobs, jobs that have edges, or groups, that stand behind a place; nothing is removed.

        None: from the first. What is added later stands behind what was there, but for groups. Each is of one moment,
        and so are the jobs of a portion where the store can do that at no cost.

        Again: looks once more.
        """
        ...

    def put(self, portion: Portion, now: int) -> int:
        """Write what another store held, in one step; return how many jobs and groups are new.

        1. A job is written with every field of its `Job` as it is (state, `run_token`, `attempts`, `retries`,
           `crashes`, `cancel`, `shown`, `created_at`, `finished_at`, `run_at` with `PARKED_AT` where it waits for a
           rate, `waits`, `role`, `workflow`), its attempts and its note's data. Only its `key` is given anew, in the
           order of the portion; `owner` is None. It is found, counted, claimed and pruned as if it had come to be so
           in this store.
        2. A job whose id is there is left as it is, with all it holds.
        3. A job has no edges until they are put, and where it has a culprit that is one which is not there any more.
        4. Edges are written for jobs that are there, and have none: those of a waiter all at once, and with them its
           culprit. Nothing is counted down: `waits` and `state` are as they were put. Both ends have been put by then;
           an awaited job that is not known, or None, counts as removed.
        5. A group is saved as of its time; one that is there stays.
        6. Tallies are added to what `History.finished` tells, as jobs that finished then and are gone.
        7. Nobody is rung.

        Again: what is there stays, so that nothing is new; but tallies are added once more, and come alone.

        Raises:
            ValueError: a job is RUNNING; whoever runs it would report to the other store.
        """
        ...
