"""`LocalQ.running`: a worker inside the program for the length of a block, plain or `async`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from localq.result.uncaught import say_at_end

__all__ = ["SERVER_STOP_S", "Running", "in_event_loop"]

#: Seconds running jobs have where an event loop waits for the end of a block: a server's, which others wait for.
SERVER_STOP_S = 5.0


class _App(Protocol):
    """What a block needs of an app."""

    def stop(self, timeout: float | None = None) -> None: ...

    def _stop(self, timeout: float | None, *, told: bool = False) -> None: ...


A = TypeVar("A", bound=_App)


def in_event_loop() -> bool:
    """Whether the calling code runs in an event loop; without loading asyncio where nobody has."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


class Running(contextlib.ContextDecorator, Generic[A]):
    """What `running` returns: starts the worker where the block begins, and stops it where that ends.

    Args:
        start: Starts the worker.
        stop_timeout: As of `running`.
    """

    def __init__(self, app: A, start: Callable[[], Any], stop_timeout: float | None) -> None:
        self._app, self._start, self._timeout = app, start, stop_timeout

    def __enter__(self) -> A:
        self._start()
        return self._app

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            say_at_end(error)
            with contextlib.suppress(KeyboardInterrupt):
                self._app._stop(self._timeout, told=True)
        elif in_event_loop():
            # Whoever stops a server sees nothing else of what it waits for.
            self._app._stop(self._timeout, told=True)
        else:
            self._app.stop(self._timeout)

    async def __aenter__(self) -> A:
        import asyncio

        await asyncio.to_thread(self._start)
        return self._app

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio

        # A cancelled task waits all the same: what it waits for is what has to end.
        await asyncio.shield(asyncio.to_thread(self._app._stop, self._timeout, told=True))
