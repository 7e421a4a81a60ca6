"""Values without words that eager mode hands on as they are: kept by this process, and named by a number in the JSON.

Bytes that name one mean something while the eager calls that wrote them last, and in this process alone.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

__all__ = ["held", "hold", "keeping", "may_hold", "passing_on"]

_may: ContextVar[bool] = ContextVar("localq_may_hold", default=False)
_values: dict[int, Any] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()
_calls = 0


@contextlib.contextmanager
def keeping() -> Iterator[None]:
    """Keep what is held for as long as this lasts; all of it goes when nobody needs it any more."""
    global _calls
    with _lock:
        _calls += 1
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            if not _calls:
                _values.clear()


@contextlib.contextmanager
def passing_on() -> Iterator[None]:
    """Let values that JSON has no words for be held, instead of being refused."""
    token = _may.set(True)
    try:
        yield
    finally:
        _may.reset(token)


def may_hold() -> bool:
    """Whether values may be held here and now."""
    return _may.get() and _calls > 0


def hold(value: Any) -> int:
    """Keep a value; return its number."""
    number = next(_numbers)
    _values[number] = value
    return number


def held(number: object) -> Any:
    """Return a value that is kept.

    Raises:
        LookupError: it is not, or not any more.
    """
    if number not in _values:
        raise LookupError("what was handed on in an eager call is not kept after it")
    return _values[number]
