"""Raise an error in the run of a thread: in the code that runs there, or in the coroutine its event loop drives."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Target", "aimed_at", "raise_in_thread", "strike_here"]


class Target(Protocol):
    """What drives a coroutine on a loop."""

    #: Whether the coroutine's own code runs at this moment.
    stepping: bool

    def strike(self, error: type[BaseException], *args: Any) -> None:
        """Raise an error where the coroutine awaits; from any thread, or from the handler of a signal."""


_targets: dict[int, Target] = {}


@contextlib.contextmanager
def aimed_at(target: Target) -> Iterator[None]:
    """Let errors for this thread's run reach a coroutine within the block."""
    thread = threading.get_ident()
    before = _targets.get(thread)
    _targets[thread] = target
    try:
        yield
    finally:
        if before is None:
            del _targets[thread]
        else:
            _targets[thread] = before


def strike_here(error: type[BaseException], *args: Any) -> None:
    """Raise an error in this thread's run; for handlers of signals.

    Raises:
        BaseException: the error, where the run's own code stands.
    """
    target = _targets.get(threading.get_ident())
    if target is None or target.stepping:
        raise error(*args)
    target.strike(error, *args)


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Raise an error in another thread's run, at its next bytecode or where it awaits."""
    target = _targets.get(thread)
    if target is None or target.stepping:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
    else:
        target.strike(error)
