"""From what a pool reports to what the store must write, with the rules that apply to each job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localq.exceptions import TimeLimitExceeded
from localq.execution.dependents import behind, culprit_of, unfed
from localq.execution.policy import Limits, Policy, limits_of, policy_of
from localq.execution.settle import lost_outcome, settle, terminated_outcome
from localq.model.clock import Clock
from localq.model.events import emit, listened
from localq.model.job import Job, JobState
from localq.model.outcome import Completion, Ending, Outcome
from localq.serialization import failure
from localq.store.protocol.store import Store
from localq.worker.celery_events import CeleryEvents
from localq.worker.celery_signals import CelerySignals
from localq.worker.pool.contract import Cause, Death, Handed, Report

__all__ = ["Reported"]


class Reported:
    """Settles the jobs of a worker and tells of it.

    Args:
        app: Tasks and settings.
        worker: The worker's name.
        broadcast: Who tells other processes.
    """

    def __init__(self, app: Any, worker: str, clock: Clock, broadcast: CeleryEvents) -> None:
        self._app, self._worker, self._clock = app, worker, clock
        self._broadcast, self._signalling = broadcast, CelerySignals(app, worker, clock)
        self._known: dict[str, tuple[Limits, Policy]] = {}
        self._revision = -1

    def limits(self, job: Job) -> Limits:
        """Return the time limits of a job."""
        return self._rules(job)[0]

    def policy(self, job: Job) -> Policy:
        """Return the policy of a job."""
        return self._rules(job)[1]

    def _rules(self, job: Job) -> tuple[Limits, Policy]:
        """Return limits and policy of a job; those of calls without options are the task's, and kept."""
        tasks, conf = self._app.tasks, self._app.conf
        if tasks.revision != self._revision:
            self._known.clear()
            self._revision = tasks.revision
        if job.options is None and job.task in self._known:
            return self._known[job.task]
        task = tasks.find(job.task)
        rules = limits_of(task, job, conf), policy_of(task, job, conf)
        if job.options is None:
            self._known[job.task] = rules
        return rules

    def completion(self, report: Report) -> Completion:
        """Return what must be written for a job that came back from the pool."""
        job, end, output = report
        now = self._clock.now()
        policy = self.policy(job)
        outcome = self._outcome_of(job, end, policy, now) if isinstance(end, Death) else end
        if output is not None:
            # A task may print what no encoding knows, such as a file's name that is not UTF-8.
            outcome = outcome._replace(output=output.encode("utf-8", "backslashreplace").decode())
        done = settle(job, outcome, self._worker, policy, now)
        event = _EVENTS.get(outcome.ending)
        if event is not None and listened(event):
            self._tell(event, job, outcome, done)
        if outcome.ending != Ending.SUCCESS:
            self._signalling.ended(job, end, outcome, done.state)
        if self._broadcast.listening:
            self._broadcast.ended(job, end, outcome, done.state)
        return done

    def tell_received(self, handed: Sequence[Handed]) -> None:
        """Tell receivers of signals, and who listens elsewhere, of jobs that came."""
        self._signalling.received([one.job for one in handed])
        if self._broadcast.listening:
            self._broadcast.received(handed)

    def tell_expired(self, job: Job) -> None:
        """Tell them of a job whose time to run was over."""
        self._signalling.expired(job)
        if self._broadcast.listening:
            self._broadcast.expired(job)

    def behind(self, job: Job, store: Store) -> Completion:
        """Return what must be written for a job that cannot run because of another."""
        return behind(job, culprit_of(job, store), self._worker, self.policy(job), self._clock.now())

    def unfed(self, job: Job, error: Exception) -> Completion:
        """Return what must be written for a job whose arguments cannot be made whole."""
        return self.completion(Report(job, unfed(error, self._clock.now()), None))

    def _outcome_of(self, job: Job, death: Death, policy: Any, now: int) -> Outcome:
        """Return the outcome of a job whose process ended under it."""
        if death.cause == Cause.STOPPED:
            return Outcome(Ending.RELEASED, death.started_at, now)
        if death.cause == Cause.CANCELLED:
            return terminated_outcome(death.reason, now)._replace(started_at=death.started_at)
        if death.cause == Cause.TIME_LIMIT:
            told = failure.dump(failure.describe(TimeLimitExceeded(death.reason)))
            return Outcome(Ending.FAILURE, death.started_at, now, failure=told)
        return lost_outcome(death.reason, job, policy, now)._replace(started_at=death.started_at)

    def _tell(self, event: str, job: Job, outcome: Outcome, done: Completion) -> None:
        started = outcome.started_at or outcome.ended_at
        fields: dict[str, Any] = {
            "worker": self._worker,
            "task": job.task,
            "job_id": job.id,
            "queue": job.queue,
            "attempt": job.attempts,
            "duration_s": (outcome.ended_at - started) / 1e6,
        }
        if outcome.failure is not None:
            told = failure.load(outcome.failure)
            fields.update(error=f"{told.type}: {told.message}", traceback=told.traceback)
            task = self._app.tasks.find(job.task)
            fields["expected"] = task is not None and told.type in {one.__qualname__ for one in task.throws}
        if done.state == JobState.SCHEDULED:
            fields["run_in_s"] = max(0.0, (done.run_at - self._clock.now()) / 1e6)
        fields["again"] = done.state != JobState.FAILED
        fields["requeue"] = outcome.requeue
        fields["reason"] = "terminated"
        emit(event, **fields)


_EVENTS = {
    Ending.SUCCESS: "job.succeeded",
    Ending.FAILURE: "job.failed",
    Ending.RETRY: "job.retried",
    Ending.IGNORED: "job.ignored",
    Ending.REJECTED: "job.rejected",
    Ending.LOST: "job.lost",
    Ending.REVOKED: "job.revoked",
}
