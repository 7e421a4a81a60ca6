"""Intervals: due every so many seconds of real time, counted from the schedule's first instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.bounds import is_number
from localq.model.hints import nearest, suggesting
from localq.schedules.rules.base_schedule import BaseSchedule
from localq.schedules.rules.rule import LAST_INSTANT
from localq.schedules.rules.said import Say, english, series
from localq.schedules.rules.wall import DAY, HOUR, MINUTE, SECOND, TICK, first_occurrence, wall_at

__all__ = ["TEXTS", "every", "length_in_words", "schedule"]

_UNITS = {"weeks": 7 * DAY, "days": DAY, "hours": HOUR, "minutes": MINUTE, "seconds": SECOND, "milliseconds": 1000}
#: What a length is put together of: one of a unit, and several.
TEXTS = tuple(text for name in _UNITS for text in (name[:-1], f"{{count}} {name}"))
_CALENDAR_UNITS = ("month", "months", "year", "years")
_CENTURY = 36_525 * DAY


class schedule(BaseSchedule):  # noqa: N801 - Celery's name
    """Due every `run_every` of real time: a day is 24 hours, whatever clocks do.

    The instants lie on a grid that starts at the schedule's first instant, so that late runs do not shift it.

    Args:
        run_every: Seconds, or a timedelta.
        relative: Put the grid on the zone's wall clock: on midnights for a day or more, on full hours for an hour
            or more, on full minutes for a minute or more. What `run_every` has beyond whole units is dropped then.
        nowfun: For `is_due`: returns the current datetime.
        app: For `is_due`: the app whose zone and clock count.

    Raises:
        ScheduleError: The time is not positive, below a microsecond or beyond a century.
    """

    @suggesting
    def __init__(
        self,
        run_every: float | timedelta,
        relative: bool = False,
        nowfun: Callable[[], datetime] | None = None,
        app: Any = None,
    ) -> None:
        super().__init__(nowfun, app)
        self.micros = _micros(run_every)
        self.relative = bool(relative)

    @property
    def run_every(self) -> timedelta:
        """The interval, as Celery names it."""
        return timedelta(microseconds=self.micros)

    @property
    def seconds(self) -> float:
        """The interval in seconds."""
        return self.run_every.total_seconds()

    @property
    def runs_at_once(self) -> bool:
        """True: an interval seen for the first time is due at once."""
        return True

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the first instant of the grid after `after`; the first of all is the anchor."""
        if after < anchor:
            return anchor
        due = self._next_round(after, anchor, zone) if self.relative else self._next_exact(after, anchor)
        return due if due <= LAST_INSTANT else None

    def _next_exact(self, after: int, anchor: int) -> int:
        return anchor + ((after - anchor) // self.micros + 1) * self.micros

    def _next_round(self, after: int, anchor: int, zone: ZoneInfo) -> int:
        unit = next((unit for unit in (DAY, HOUR, MINUTE, SECOND) if self.micros >= unit), 1)
        if unit == DAY:
            return self._next_midnight(after, anchor, zone)
        step, base = self.micros // unit * unit, _floor(anchor, unit, zone)
        # Rounding moves an instant back by less than a unit, so that the number of the next is known but for one.
        number = (after - base) // step + 1
        while (due := _floor(base + number * step, unit, zone)) <= after:
            number += 1
        return due

    def _next_midnight(self, after: int, anchor: int, zone: ZoneInfo) -> int:
        step = timedelta(days=self.micros // DAY)
        base = wall_at(anchor, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        number = max((wall_at(after, zone) - base) // step, 1)
        while (due := first_occurrence(base + number * step, zone)) <= after:
            number += 1
        return due

    def words(self) -> str:
        """Return "every 30 seconds"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        text = say("every {length}", length=length_in_words(self.micros, say))
        return (
            say("{rule}, on the round {unit}", rule=text, unit=say(_round_unit(self.micros))) if self.relative else text
        )

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        return {"kind": "interval", "micros": self.micros, "relative": self.relative}


@suggesting
def every(number: float, unit: str = "seconds", *, relative: bool = False) -> schedule:
    """Return the rule "every 30 seconds": `every(30, "seconds")`, `every(1.5, "hours")`, `every(2, "weeks")`.

    Raises:
        ScheduleError: The unit is unknown, or is no length of time (use `calendar` for months and years).
    """
    name = unit if unit.endswith("s") else f"{unit}s"
    if unit in _CALENDAR_UNITS:
        raise ScheduleError(f"every({number!r}, {unit!r}): a {name[:-1]} has no fixed length; use calendar({name}=...)")
    if name not in _UNITS:
        raise ScheduleError(f"every({number!r}, {unit!r}): unknown unit.{nearest(unit, [*_UNITS])}")
    if not is_number(number):
        raise ScheduleError(f"every({number!r}, {unit!r}): the number must be an int or a float")
    try:
        seconds = number * _UNITS[name] / SECOND
    except OverflowError as error:
        raise ScheduleError(f"every({number!r}, {unit!r}): an interval must be at most a century") from error
    return schedule(seconds, relative)


def length_in_words(micros: int, say: Say = english) -> str:
    """Return "30 seconds", "hour", "day and 6 hours", ready to stand after "every"."""
    parts, rest = [], micros
    for name, unit in _UNITS.items():
        count, rest = divmod(rest, unit)
        # Only whole weeks are weeks: "10 days" is read more easily than "week and 3 days".
        if count and (name != "weeks" or rest == 0):
            parts.append(say(f"{{count}} {name}", count=count) if count > 1 else say(name[:-1]))
        elif count:
            rest += count * unit
    if rest:
        parts.append(say("{count} microseconds", count=rest) if rest > 1 else say("microsecond"))
    return series(parts, say)


def _floor(instant: int, unit: int, zone: ZoneInfo) -> int:
    """Return the last round unit of the wall clock up to an instant."""
    wall = wall_at(instant, zone)
    rest = (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)) // TICK % unit
    floor = instant - rest
    # A clock put back by half an hour may show that time only further back.
    return floor if (wall_at(floor, zone) == wall - rest * TICK) else first_occurrence(wall - rest * TICK, zone)


def _round_unit(micros: int) -> str:
    names = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
    return next((name for unit, name in names if micros >= unit), "second")


def _micros(value: float | timedelta) -> int:
    if isinstance(value, timedelta):
        micros = value // TICK
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ScheduleError(f"An interval is {value!r}: it must be a number of seconds or a timedelta")
    else:
        # What is no number, or more than a float holds, is no less refused.
        micros = round(value * SECOND) if 0 < value <= _CENTURY else 0
    if not 1 <= micros <= _CENTURY:
        raise ScheduleError(f"An interval is {value!r}: it must be at least a microsecond and at most a century")
    return micros
