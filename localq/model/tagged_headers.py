"""Values that headers and stamps may have beside JSON's own: Celery's messages carry them, and so do jobs.

What is written is plain data, which stays as it is wherever a job's options are only passed on.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["as_plain", "may_be_tagged", "revived"]

_TAG = "$lq"
_KEYS = {_TAG, "v"}
#: How a value of each type is written and read, by its tag; a type before those it is derived from.
_TYPES: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "timedelta": (timedelta, lambda it: [it.days, it.seconds, it.microseconds], lambda it: timedelta(*it)),
    "decimal": (Decimal, str, Decimal),
    "uuid": (UUID, str, UUID),
    "bytes": (bytes, lambda it: base64.b64encode(it).decode(), base64.b64decode),
}


def as_plain(value: Any) -> Any:
    """Return plain data for a value that JSON has no word for, as `json.dumps(default=as_plain)` asks.

    Raises:
        TypeError: there is none.
    """
    for tag, (kind, write, _) in _TYPES.items():
        if isinstance(value, kind):
            return {_TAG: tag, "v": write(value)}
    own = getattr(type(value), "__json__", None)
    if own is not None:
        return own(value)
    if any(one.__name__ == "__proxy__" for one in type(value).__mro__):  # a lazy text of Django's
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def may_be_tagged(text: str) -> bool:
    """Tell whether there is anything to revive in what was written."""
    return f'"{_TAG}"' in text


def revived(value: Any) -> Any:
    """Return a value that was read, with the values of the program in place of the plain data."""
    if isinstance(value, list):
        return [revived(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == _KEYS and isinstance(value[_TAG], str) and value[_TAG] in _TYPES:
        # What a program gave as plain data of this form, or another hand wrote, stays as it is.
        with contextlib.suppress(ValueError, TypeError, ArithmeticError):
            return _TYPES[value[_TAG]][2](value["v"])
    return {name: revived(one) for name, one in value.items()}
