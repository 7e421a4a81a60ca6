"""Anything that means a rule, read: what programs write, and what was written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from localq.exceptions import ScheduleError
from localq.model.bounds import is_whole
from localq.model.hints import nearest
from localq.schedules.rules.asked import Asked, is_asked
from localq.schedules.rules.calendar import Calendar
from localq.schedules.rules.combined import AllOf, AnyOf
from localq.schedules.rules.cron_text import CronText, cron
from localq.schedules.rules.crontab import crontab
from localq.schedules.rules.interval import every, schedule
from localq.schedules.rules.once import Once
from localq.schedules.rules.pinned import PinnedInterval
from localq.schedules.rules.rule import Rule
from localq.schedules.rules.solar import solar
from localq.schedules.rules.trigger import read_trigger, trigger

__all__ = ["all_of", "any_of", "as_rule", "read_rule"]

_EVERY = re.compile(r"@?every\s+(?:(\d+(?:\.\d+)?)\s*)?([a-z]+)", re.IGNORECASE)
_SHORT = {"ms": "milliseconds", "s": "seconds", "sec": "seconds", "secs": "seconds", "m": "minutes", "min": "minutes"}
_SHORT |= {"mins": "minutes", "h": "hours", "hr": "hours", "hrs": "hours", "d": "days", "w": "weeks"}

#: The attributes of Celery's crontab, in the order of its arguments.
_CRONTAB = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")


def as_rule(value: object, *, hash_key: str | None = None, relative: bool = False) -> Rule:
    """Return the rule that a value means.

    Numbers and timedeltas are intervals, texts are cron expressions or "every 30 seconds", a datetime is once,
    what has `get_next_fire_time` is an APScheduler trigger, and Celery's own `crontab`, `schedule` and `solar`
    are known by their attributes. What has an `is_due` of its own is asked.

    Args:
        value: The value.
        hash_key: The schedule's name, which `H` in a cron expression is drawn from.
        relative: An interval's instants lie on the round units of the wall clock.

    Raises:
        ScheduleError: It means no rule; the text says what would.
    """
    if is_asked(value):
        return Asked(value)
    if isinstance(value, Rule):
        return value
    if isinstance(value, int | float | timedelta):
        return schedule(value, relative)
    if isinstance(value, str):
        return _read_text(value, hash_key)
    if isinstance(value, datetime):
        return Once(value)
    return _as_foreign(value)


def any_of(*rules: object) -> AnyOf:
    """Return the rule that is due whenever one of these is; each is a rule, or what `as_rule` takes for one."""
    return AnyOf([as_rule(rule) for rule in rules])


def all_of(*rules: object) -> AllOf:
    """Return the rule that is due only when all of these are, at the same instant; each as for `any_of`."""
    return AllOf([as_rule(rule) for rule in rules])


def read_rule(spec: Mapping[str, Any]) -> Rule:
    """Return the rule that `Rule.spec` described.

    Raises:
        ScheduleError: The kind is unknown, or a field is missing, unknown or wrong; the text names it.
    """
    kind = spec.get("kind") if hasattr(spec, "get") else None
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise ScheduleError(f"A rule's spec is {spec!r}: its kind must be one of {', '.join(_KINDS)}")
    fields = {name: value for name, value in spec.items() if name != "kind"}
    try:
        return read(**fields)
    except (TypeError, KeyError, AttributeError) as error:
        raise ScheduleError(f"A rule's spec is {spec!r}: {error}") from error


def _read_text(text: str, hash_key: str | None) -> Rule:
    interval = _EVERY.fullmatch(text.strip())
    if interval is None:
        return cron(text, hash_key=hash_key)
    unit = interval[2].lower()
    return every(float(interval[1] or 1), _SHORT.get(unit, unit))


def _as_foreign(value: Any) -> Rule:
    """Read objects of other libraries, by what they have."""
    if hasattr(value, "get_next_fire_time"):
        return trigger(value)
    if all(hasattr(value, name) for name in ("event", "lat", "lon")):
        return solar(value.event, value.lat, value.lon)
    if hasattr(value, "run_every"):
        return schedule(value.run_every, bool(getattr(value, "relative", False)))
    if all(hasattr(value, name) for name in _CRONTAB):
        return crontab(*(getattr(value, f"_orig_{name}", getattr(value, name)) for name in _CRONTAB))
    hint = nearest(type(value).__name__, ["crontab", "schedule", "timedelta", "datetime"])
    raise ScheduleError(
        f"A schedule's rule is {value!r}: it must be seconds, a timedelta, a cron text such as '*/5 * * * *', "
        f"a datetime, crontab(...), every(...) or another rule of localq.schedules.{hint}"
    )


def _read_interval(micros: int, relative: bool = False) -> Rule:
    if not is_whole(micros):
        raise ScheduleError(f"A rule's spec has micros {micros!r}: it must be a whole number")
    return schedule(timedelta(microseconds=micros), relative)


def _read_once(at: str) -> Rule:
    try:
        return Once(datetime.fromisoformat(at))
    except (TypeError, ValueError) as error:
        raise ScheduleError(f"A rule's spec has at {at!r}: it must be a date and time in ISO form") from error


def _read_pinned(micros: int, start: int | None = None, end: int | None = None) -> Rule:
    return PinnedInterval(timedelta(microseconds=micros), start, end)


def _read_any(rules: list[Mapping[str, Any]]) -> Rule:
    return AnyOf([read_rule(rule) for rule in rules])


def _read_all(rules: list[Mapping[str, Any]]) -> Rule:
    return AllOf([read_rule(rule) for rule in rules])


_KINDS: Mapping[str, Callable[..., Rule]] = {
    "interval": _read_interval,
    "crontab": crontab,
    "cron": CronText,
    "once": _read_once,
    "calendar": Calendar,
    "solar": solar,
    "pinned": _read_pinned,
    "any": _read_any,
    "all": _read_all,
    "trigger": read_trigger,
}
