"""Celery's signals of a worker, about jobs that it has and its pool does not run: received, revoked, unknown, lost.

The signals of a run are sent where it runs (`localq.execution.attempt`, `localq.execution.outcome`).
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from typing import Any, NamedTuple

from localq.app.app import LocalQ
from localq.execution.running import Running, Runtime
from localq.model.clock import Clock
from localq.model.job import JobState
from localq.model.outcome import Ending, Outcome
from localq.serialization import failure
from localq.serialization.exception_rebuild import rebuild
from localq.signals import task_failure, task_received, task_rejected, task_revoked, task_unknown
from localq.tasks.request import Context, ExceptionInfo
from localq.tasks.task import Task
from localq.worker.pool.contract import Death, Handed

__all__ = ["CelerySignals", "Setup"]

_UNKNOWN: Task[..., Any] = Task()
#: The signal of a cancelled job that got none by number.
_TERM = int(signal.SIGTERM)


class Setup(NamedTuple):
    """A worker that is being set up: what the signals celeryd_init and worker_init are told of."""

    hostname: str
    app: LocalQ


class CelerySignals:
    """Sends the signals of a worker.

    Args:
        app: The app whose tasks it runs.
        worker: Its name.
    """

    def __init__(self, app: LocalQ, worker: str, clock: Clock) -> None:
        self._app, self._worker, self._clock = app, worker, clock

    def received(self, jobs: Sequence[Handed]) -> None:
        """Send task_received, and task_unknown for tasks nobody defined here."""
        for one in jobs:
            job = one.job
            if task_received.receivers:
                task_received.send(self._worker, request=self._request(one))
            if task_unknown.receivers and self._app.tasks.find(job.task) is None:
                task_unknown.send(self._worker, message=self._request(one), exc=None, name=job.task, id=job.id)

    def expired(self, handed: Handed) -> None:
        """Send task_revoked for a job whose time to run is over."""
        self._revoked(handed, expired=True)

    def ended(self, handed: Handed, end: Outcome | Death, outcome: Outcome, state: JobState) -> None:
        """Send what belongs to an attempt that came to anything but success."""
        if outcome.ending == Ending.REVOKED:
            self._revoked(handed, number=end.number if isinstance(end, Death) else 0)
        elif outcome.ending == Ending.REJECTED and task_rejected.receivers:
            task_rejected.send(self._worker, message=self._request(handed), exc=_error(outcome))
        elif isinstance(end, Death) and state == JobState.FAILED and task_failure.receivers:
            self._failed(handed, outcome)

    def _failed(self, handed: Handed, outcome: Outcome) -> None:
        """Send task_failure for a task that could not say it any more: its process is gone."""
        job, request = handed.job, self._request(handed)
        error = _error(outcome)
        task_failure.send(
            self._app.tasks.find(job.task) or job.task,
            task_id=job.id,
            exception=error,
            args=request.args,
            kwargs=request.kwargs,
            traceback=None,
            einfo=ExceptionInfo(error, failure.load(outcome.failure or b"").traceback),
        )

    def _revoked(self, handed: Handed, *, number: int = 0, expired: bool = False) -> None:
        if task_revoked.receivers:
            name = handed.job.task
            task_revoked.send(
                self._app.tasks.find(name) or name,
                request=self._request(handed),
                terminated=not expired,
                signum=None if expired else number or _TERM,
                expired=expired,
            )

    def _request(self, handed: Handed) -> Context:
        """Return a job's request, as its task gets it; without arguments, if they cannot be read here."""
        job = handed.job
        task = self._app.tasks.find(job.task) or _UNKNOWN
        this = Running(task, job, handed.rules.terms, Runtime(self._worker, self._clock, self._app.conf))
        with contextlib.suppress(Exception):
            this.read_call()
        this.context.__dict__.update(id=job.id, task=job.task, name=job.task, task_name=job.task, task_id=job.id)
        return this.context


def _error(outcome: Outcome) -> BaseException:
    return rebuild(failure.load(outcome.failure or b""))
