"""What a worker asks of a pool, and what it hears back."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from localq.execution.policy import Limits, Rules
from localq.model.job import Job
from localq.model.outcome import Note, Outcome
from localq.worker.pool.output import Output

__all__ = ["Cause", "Death", "Handed", "InHand", "Logged", "Pool", "Report", "cancelled_unstarted"]


class Cause(Enum):
    """Why a slot's process ended under a job."""

    CRASH = "crash"
    TIME_LIMIT = "time limit"
    MEMORY = "memory"
    CANCELLED = "cancelled"
    #: The worker is stopping and the job did not end in time: it goes back uncharged.
    STOPPED = "stopped"


class Death(NamedTuple):
    """The end of a job without a word from it. `number` is the signal asked for, where there was one."""

    cause: Cause
    reason: str
    started_at: int | None
    number: int = 0


class Handed(NamedTuple):
    """A job on its way to a slot and back, with all that applies to it."""

    job: Job
    rules: Rules

    @property
    def limits(self) -> Limits:
        """Its time limits."""
        return self.rules.terms.limits


class InHand(NamedTuple):
    """A job the pool has: since when it runs (microseconds since 1970; None: not started), and in which process."""

    job: Job
    started_at: int | None
    pid: int | None


class Report(NamedTuple):
    """What came of a job: an outcome, or a death; and the last part of what it printed and logged."""

    handed: Handed
    end: Outcome | Death
    output: str | None

    @property
    def job(self) -> Job:
        """The job."""
        return self.handed.job


def cancelled_unstarted(handed: Handed) -> Report:
    """Return the report of a job that was cancelled while it waited for a slot."""
    return Report(handed, Death(Cause.CANCELLED, "cancelled before it started", None), None)


#: Called with the job that printed (or None), the text, and whether it went to stderr.
Printed = Callable[[Job | None, str, bool], None]
#: Called with the fields of a log record.
Logged = Callable[[dict[str, Any]], None]


class Pool(Protocol):
    """Runs jobs in its slots. All methods are called from the worker's thread."""

    size: int
    #: Why it can run nothing any more, or None.
    broken: str | None
    #: What the jobs that run have printed and logged.
    output: Output

    def prepare(self) -> None:
        """Do what must come before this process has threads or connections."""
        ...

    def start(self, selector: selectors.BaseSelector) -> None:
        """Start the slots; register what may be read, with a callable as data."""
        ...

    def room(self) -> int:
        """Return how many more jobs may be handed over now."""
        ...

    def busy_for(self) -> float:
        """Return for how many seconds every slot has work at hand: so long the worker may leave them alone."""
        ...

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Take jobs; each comes back exactly once, as a report or through `take_back`."""
        ...

    def collect(self) -> list[Report]:
        """Return what has ended since last asked."""
        ...

    def notes(self) -> list[Note]:
        """Return what running tasks said of themselves since last asked."""
        ...

    def take_back(self) -> list[Job]:
        """Return jobs that no slot has started."""
        ...

    def in_hand(self) -> dict[str, int]:
        """Return `id -> run_token` of every job the pool has."""
        ...

    def jobs(self) -> list[InHand]:
        """Return every job the pool has that has not ended, those that run first."""
        ...

    def stop_job(self, job_id: str, number: int) -> None:
        """End a job that was cancelled: one not started comes back as cancelled, a running one gets the signal."""
        ...

    def drop(self, ids: Collection[str]) -> None:
        """End jobs that are no longer this worker's by right; nothing is reported of them."""
        ...

    def tick(self) -> float | None:
        """Enforce limits; return the seconds after which this should be called again, or None."""
        ...

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every running task; what it ends comes back as released."""
        ...

    def kill(self) -> None:
        """End every running job at once; they come back as STOPPED."""
        ...

    def resize(self, size: int) -> None:
        """Change the number of slots; slots too many end after their job."""
        ...

    def restart(self) -> None:
        """Replace every slot by a new one, after the job it runs."""
        ...

    def pids(self) -> list[int]:
        """Return the processes of the slots."""
        ...

    def close(self) -> None:
        """End all slots."""
        ...
