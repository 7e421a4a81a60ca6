"""Who is told what becomes of a worker's jobs: its log, receivers of Celery's signals, and listeners elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localq.app.app import LocalQ
from localq.model.clock import Clock
from localq.model.events import emit, listened
from localq.model.job import JobState
from localq.model.outcome import Completion, Ending, Outcome
from localq.serialization import failure
from localq.signals import task_received, task_unknown
from localq.worker.aside import Aside
from localq.worker.celery_events import CeleryEvents
from localq.worker.celery_signals import CelerySignals
from localq.worker.pool.contract import Handed, Report

__all__ = ["Told"]


class Told:
    """Tells of a worker's jobs.

    Args:
        app: Tasks and settings.
        worker: The worker's name.
        events: Tells other processes.
        aside: Where receivers of signals are called.
    """

    def __init__(self, app: LocalQ, worker: str, clock: Clock, events: CeleryEvents, aside: Aside) -> None:
        self._app, self._worker, self._clock = app, worker, clock
        self._events, self._signals, self._aside = events, CelerySignals(app, worker, clock), aside

    def received(self, handed: Sequence[Handed]) -> None:
        """Tell of jobs that go to the pool."""
        if listened("job.received"):
            for job, _ in handed:
                emit(
                    "job.received",
                    worker=self._worker,
                    task=job.task,
                    job_id=job.id,
                    queue=job.queue,
                    attempt=job.attempts,
                )
        if task_received.receivers or task_unknown.receivers:
            self._aside.put(self._signals.received, handed)
        if self._events.listening:
            self._events.received(handed)

    def expired(self, handed: Handed) -> None:
        """Tell of a job whose time to run was over."""
        job = handed.job
        emit("job.revoked", worker=self._worker, task=job.task, job_id=job.id, reason="expired")
        self._aside.put(self._signals.expired, handed)
        if self._events.listening:
            self._events.expired(job)

    def of_successes(self) -> bool:
        """Whether anybody is told of jobs that end well."""
        return self._events.listening or listened("job.succeeded")

    def pass_over(self, count: int) -> None:
        """Count attempts that ended well and that nobody was told of."""
        self._events.processed += count

    def ended(self, report: Report, outcome: Outcome, done: Completion) -> None:
        """Tell of an attempt that is over: what it came to, and what that means for its job."""
        ending = outcome.ending
        event = _EVENTS.get(ending)
        if event is not None and listened(event):
            self._log(event, report, outcome, done)
        if ending != _SUCCESS:
            self._aside.put(self._signals.ended, report.handed, report.end, outcome, done.state)
        self._events.processed += ending != _RELEASED
        if self._events.listening:
            self._events.ended(report.handed, report.end, outcome, done.state)

    def _log(self, event: str, report: Report, outcome: Outcome, done: Completion) -> None:
        job, started = report.job, outcome.started_at or outcome.ended_at
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
        if outcome.ending == Ending.RETRY:
            fields["run_in_s"] = max(0.0, (done.run_at - self._clock.now()) / 1e6)
        fields["again"] = done.state != JobState.FAILED
        fields["requeue"] = outcome.requeue
        fields["reason"] = "terminated"
        emit(event, **fields)


#: Every job asks; to look them up among the endings takes longer than the comparison.
_SUCCESS, _RELEASED = Ending.SUCCESS, Ending.RELEASED
_EVENTS = {
    Ending.SUCCESS: "job.succeeded",
    Ending.FAILURE: "job.failed",
    Ending.RETRY: "job.retried",
    Ending.IGNORED: "job.ignored",
    Ending.REJECTED: "job.rejected",
    Ending.LOST: "job.lost",
    Ending.REVOKED: "job.revoked",
}
