"""What a worker does with the jobs that its pool reports: what came of each, and what must be written for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

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

_SUCCESS = Ending.SUCCESS


class Reported:
    """Settles the jobs that come back from the pool.

    Args:
        worker: The worker's name.
    """

    def __init__(self, worker: str, clock: Clock, told: Told) -> None:
        self._worker, self._clock, self._told = worker, clock, told

    def completions(self, reports: Sequence[Report]) -> list[Completion]:
        """Return what must be written for jobs; tell of them."""
        made: list[Completion] = []
        if not reports:
            return made
        now, worker, untold = self._clock.now(), self._worker, 0
        nobody_hears = not self._told.of_successes()
        for report in reports:
            (job, rules), end, output = report
            outcome = _outcome_of(job, end, rules, now) if type(end) is Death else cast(Outcome, end)
            if output is not None:
                outcome = outcome._replace(output=output)
            done = settle(job, outcome, worker, rules, now)
            made.append(done)
            if nobody_hears and outcome.ending == _SUCCESS:
                untold += 1
            else:
                self._told.ended(report, outcome, done)
        self._told.pass_over(untold)
        return made


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
