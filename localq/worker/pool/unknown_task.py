"""What comes of a job whose task nobody has defined where it is to run."""

from __future__ import annotations

from localq.exceptions import NotRegistered
from localq.model.clock import SYSTEM, Clock
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.serialization import failure

__all__ = ["HINT", "unknown_task"]

#: What to do about it, in a worker with processes.
HINT = "Import its module in the worker: --include, or the setting include."


def unknown_task(job: Job, hint: str, clock: Clock = SYSTEM) -> Outcome:
    """Return the outcome of such a job."""
    now = clock.now()
    told = failure.describe(NotRegistered(f"Unknown task {job.task!r}. {hint}"))
    return Outcome(Ending.FAILURE, now, now, failure=failure.dump(told))
