"""What values of settings may be: each check returns the value to keep, or raises the reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from localq.model.bounds import A_NAME, is_name, is_number, is_whole
from localq.model.hints import closest

__all__ = [
    "concurrency",
    "flag",
    "level",
    "mapping",
    "modules",
    "name",
    "names",
    "number",
    "one_of",
    "or_none",
    "queue_list",
    "seconds",
    "text",
    "whole",
    "zone",
]


def flag(value: Any) -> bool:
    """Accept True and False, and 1 and 0."""
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError("must be True or False")


def text(value: Any) -> str:
    """Accept a text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise TypeError("must be a text that is not empty")


def name(value: Any) -> str:
    """Accept a name that can be stored, such as a queue's."""
    if is_name(value):
        return str(value)
    raise TypeError(f"must be {A_NAME}")


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a check that accepts None too."""
    return lambda value: None if value is None else check(value)


def one_of(*allowed: str) -> Callable[[Any], str]:
    """Return a check for a few words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return check


def whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    """Return a check for whole numbers from `low` to `high`."""

    def check(value: Any) -> int:
        if not is_whole(value):
            raise TypeError("must be a whole number")
        if not is_whole(value, low, high):
            raise ValueError(f"must be {low} or more" if high is None else f"must be from {low} to {high}")
        return int(value)

    return check


def level(value: Any) -> str:
    """Accept the name of a log level, or its number as a text."""
    said = text(value)
    if not said.isdecimal() and said.upper() not in logging.getLevelNamesMapping():
        raise ValueError("must be the name of a log level, such as WARNING, or its number")
    return said


def number(value: Any) -> float:
    """Accept seconds or a timedelta, zero included; keep seconds."""
    length = _length(value)
    if not length >= 0:
        raise ValueError("must not be negative")
    return length


def seconds(value: Any) -> float:
    """Accept seconds or a timedelta; keep seconds."""
    length = _length(value)
    if not length > 0:
        raise ValueError("must be more than 0")
    return length


def _length(value: Any) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not is_number(value):
        raise TypeError("must be a number of seconds or a timedelta")
    return value  # type: ignore[no-any-return]


def names(value: Any) -> tuple[str, ...]:
    """Accept a list of texts; keep a tuple."""
    if isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise TypeError("must be a list of names")
    return tuple(value)


def modules(value: Any) -> tuple[str, ...]:
    """Accept a list of modules' names, or one name."""
    one = isinstance(value, str) and all(part.isidentifier() for part in value.split("."))
    return (value,) if one else names(value)


def mapping(value: Any) -> Any:
    """Accept a mapping."""
    if not isinstance(value, Mapping):
        raise TypeError("must be a mapping")
    return value


def queue_list(value: Any) -> Any:
    """Accept queues: a list of `Queue`, or a mapping from names to their options."""
    if isinstance(value, str) or not isinstance(value, Mapping | list | tuple | set | frozenset):
        raise TypeError("must be a list of queues, or a mapping from names to their options")
    nameless = [] if isinstance(value, Mapping) else [one for one in value if not getattr(one, "name", None)]
    if nameless:
        raise TypeError(f"must be a list of queues; {nameless[0]!r} is none (use Queue('name'))")
    return value


def concurrency(value: Any) -> int | str:
    """Accept a number of slots, or "auto"."""
    return value if value == "auto" else whole(1)(value)


def zone(value: Any) -> str:
    """Accept the name of a time zone, or a tzinfo that has one."""
    said = getattr(value, "key", None) or getattr(value, "zone", None) or value
    name = text(str(said) if not isinstance(said, str) and hasattr(said, "utcoffset") else said)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # what ZoneInfo makes of odd names differs
        close = closest(name, available_timezones()) or "Europe/Berlin"
        raise ValueError(f"must be the name of a time zone, such as {close!r} or 'UTC'") from error
    return name
