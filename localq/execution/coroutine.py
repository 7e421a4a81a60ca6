"""Run one attempt of a task that is a coroutine, among others on one event loop (see `localq.execution.attempt`).

An error can be raised in it wherever it awaits: at its soft limit, or because it was cancelled. Such an error is at
the same time a `CancelledError`, so that what the coroutine waits for is cancelled as usual, and task groups and
timeouts around it clean up; `except SoftTimeLimitExceeded` catches it as it does elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import CoroutineType
from typing import Any

from localq import current
from localq.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerTerminate
from localq.execution.attempt import begin, read, sealed, tell_end
from localq.execution.outcome import ended_by, succeeded
from localq.execution.policy import Terms
from localq.execution.running import Running, Runtime
from localq.model.job import Job
from localq.model.outcome import Outcome
from localq.signals import task_postrun
from localq.tasks.task import Task

__all__ = ["Drive", "run"]


class _SoftLimit(SoftTimeLimitExceeded, asyncio.CancelledError):
    pass


class _HardLimit(TimeLimitExceeded, asyncio.CancelledError):
    pass


class _Terminated(WorkerTerminate, asyncio.CancelledError):
    pass


_CANCELLING: dict[type[BaseException], type[BaseException]] = {
    SoftTimeLimitExceeded: _SoftLimit,
    TimeLimitExceeded: _HardLimit,
    WorkerTerminate: _Terminated,
}
for _plain, _made in _CANCELLING.items():
    # They are stored and shown by the name users know.
    _made.__name__, _made.__qualname__, _made.__module__ = _plain.__name__, _plain.__qualname__, _plain.__module__


class Drive:
    """Drives a task's coroutine, and raises errors in it; a `localq.execution.running.Limiter`."""

    def __init__(self) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._error: BaseException | None = None
        self._cancelled = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self, seconds: float | None) -> None:
        """Raise SoftTimeLimitExceeded after so many seconds, if any."""
        if seconds:
            self._timer = self._loop.call_later(seconds, self.interrupt, SoftTimeLimitExceeded, seconds)

    def stop(self) -> None:
        """Raise nothing any more at a limit."""
        if self._timer is not None:
            self._timer.cancel()

    def interrupt(self, error: type[BaseException], *args: Any) -> None:
        """Raise an error where the coroutine awaits; at once, or as soon as it does."""
        self._error = _CANCELLING[error](*args)
        self._cancel()

    def _cancel(self) -> None:
        """Cancel what the coroutine awaits, once for each error that is to be raised."""
        if self._task is not None and self._error is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    async def drive(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine comes to."""
        self._coroutine = coroutine
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, task = self._coroutine, asyncio.current_task()
        assert coroutine is not None
        assert task is not None
        error: BaseException | None = self._taken()
        while True:
            try:
                awaited = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value
            if self._error is not None:
                # It came while the coroutine ran: cancel what it awaits now, as if it came a moment later.
                self._loop.call_soon(self._cancel)
            self._task, error = task, None
            try:
                yield awaited
            except BaseException as raised:
                error = raised
                if isinstance(raised, asyncio.CancelledError) and self._error is not None:
                    error = self._taken()
                    task.uncancel()
            finally:
                self._task = None

    def _taken(self) -> BaseException | None:
        error, self._error = self._error, None
        self._cancelled = False
        return error


async def run(task: Task[..., Any], job: Job, terms: Terms, runtime: Runtime, drive: Drive) -> Outcome:
    """Run a job's task once, on this loop; see `localq.execution.attempt.run`.

    Args:
        drive: Interrupts the run.
    """
    this = Running(task, job, terms, runtime._replace(limiter=drive))
    token = current.request.set(this.context)
    try:
        outcome = await _attempted(this, drive)
        if task_postrun.receivers:
            tell_end(this, outcome)
        return sealed(this, outcome)
    finally:
        current.request.reset(token)
        this.retval = None


async def _attempted(this: Running, drive: Drive) -> Outcome:
    unreadable = read(this)
    if unreadable is not None:
        return unreadable
    try:
        begin(this)
        drive.start(this.context.soft_time_limit)
        try:
            value = this.task(*this.args, **this.kwargs)
            if isinstance(value, CoroutineType):
                value = await drive.drive(value)
        finally:
            drive.stop()
    except WorkerTerminate:
        raise
    except BaseException as error:
        return ended_by(this, error)
    return succeeded(this, value)
