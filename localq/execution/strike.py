"""Raise an error in the run of a thread: in the code that runs there, or in the coroutine its event loop drives.

Never in the midst of what must be whole (`hold`): there it waits.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Target", "aimed_at", "hold", "let_go", "raise_in_thread", "strike_here"]


class Target(Protocol):
    """What drives a coroutine on a loop."""

    #: Whether the coroutine's own code runs at this moment.
    stepping: bool

    def strike(self, error: type[BaseException], *args: Any) -> None:
        """Raise an error where the coroutine awaits; from any thread, or from the handler of a signal."""


_targets: dict[int, Target] = {}
#: Threads that are in the midst of something, and what is to be raised there when they are done with it.
_held: dict[int, list[tuple[type[BaseException], tuple[Any, ...]]]] = {}


def hold(thread: int) -> None:
    """Let no error of ours be raised in this thread until `let_go`."""
    _held[thread] = []


def let_go(thread: int) -> None:
    """Raise the last error that came for this thread since `hold`, if any did."""
    late = _held.pop(thread)
    if late:
        error, args = late[-1]
        strike_here(error, *args)


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
    thread = threading.get_ident()
    target = _targets.get(thread)
    if thread in _held:
        _held[thread].append((error, args))
    elif target is None or target.stepping:
        raise error(*args)
    else:
        target.strike(error, *args)


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Raise an error in another thread's run, at its next bytecode or where it awaits."""
    target, held = _targets.get(thread), _held.get(thread)
    if held is not None:
        held.append((error, ()))
    elif target is None or target.stepping:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
    else:
        target.strike(error)
