"""Whether a task may wait for another job: forbidden unless it says that it knows better."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from localq import current

__all__ = ["allow_join_result", "assert_may_join", "denied_join_result"]

_allowed: ContextVar[bool] = ContextVar("localq_joining_allowed", default=False)


@contextlib.contextmanager
def allow_join_result() -> Iterator[None]:
    """Let `get()` wait inside a task; the slot is blocked meanwhile, so beware of deadlock."""
    token = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(token)


@contextlib.contextmanager
def denied_join_result() -> Iterator[None]:
    """Forbid `get()` inside a task again."""
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def assert_may_join() -> None:
    """Refuse to wait inside a task.

    Raises:
        RuntimeError: this is a task's run, and nothing around it allows to wait.
    """
    request = current.request.get()
    if request is not None and not request.is_eager and not _allowed.get():
        raise RuntimeError(
            "Never call result.get() within a task: the slot it occupies may be the one it waits for. "
            "Use a callback (link=...), or allow_join_result() if you know better."
        )
