"""Drive a coroutine on an event loop, and raise errors in it where it awaits: its soft limit, or the worker's wish.

Such an error is at the same time a `CancelledError`, so that what the coroutine waits for is cancelled as usual, and
task groups and timeouts around it clean up; `except SoftTimeLimitExceeded` catches it as it does elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from localq.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerTerminate

__all__ = ["Drive"]


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
    """Drives a task's coroutine, and raises errors in it; a `localq.execution.running.Limiter`.

    Args:
        loop: Where it runs; default: the running loop.
    """

    #: Who drives it keeps that limit.
    hard: float | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._loop = loop or asyncio.get_running_loop()
        #: Whether the coroutine's own code runs at this moment.
        self.stepping = False
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

    def strike(self, error: type[BaseException], *args: Any) -> None:
        """Raise an error where the coroutine awaits; from any thread, or from the handler of a signal."""
        self._loop.call_soon_threadsafe(self.interrupt, error, *args)

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
            self.stepping = True
            try:
                awaited = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value
            finally:
                self.stepping = False
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
