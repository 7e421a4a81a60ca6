"""What a worker does with the jobs that its pool reports: what came of each, and what must be written for it."""

from __future__ import annotations

from localq.exceptions import TimeLimitExceeded
from localq.execution.policy import Rules
from localq.execution.settle import lost_outcome, settle, terminated_outcome
from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Completion, Ending, Outcome
from localq.serialization import failure
from localq.worker.pool.contract import Cause, Death, Report
from localq.worker.told import Told

__all__ = ["Reported"]


class Reported:
    """Settles the jobs that come back from the pool.

    Args:
        worker: The worker's name.
    """

    def __init__(self, worker: str, clock: Clock, told: Told) -> None:
        self._worker, self._clock, self._told = worker, clock, told

    def completion(self, report: Report) -> Completion:
        """Return what must be written for a job; tell of it."""
        (job, rules), end, output = report
        now = self._clock.now()
        outcome = _outcome_of(job, end, rules, now) if isinstance(end, Death) else end
        if output is not None:
            outcome = outcome._replace(output=output)
        done = settle(job, outcome, self._worker, rules, now)
        self._told.ended(report, outcome, done)
        return done


def _outcome_of(job: Job, death: Death, rules: Rules, now: int) -> Outcome:
    """Return the outcome of a job whose process ended under it."""
    if death.cause == Cause.STOPPED:
        return Outcome(Ending.RELEASED, death.started_at, now)
    if death.cause == Cause.CANCELLED:
        return terminated_outcome(death.reason, now)._replace(started_at=death.started_at)
    if death.cause == Cause.TIME_LIMIT:
        told = failure.dump(failure.describe(TimeLimitExceeded(death.reason)))
        return Outcome(Ending.FAILURE, death.started_at, now, failure=told)
    return lost_outcome(death.reason, job, rules, now)._replace(started_at=death.started_at)
