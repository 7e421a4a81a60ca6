"""Celery's `crontab`: its argument order, and its rule that every field must match."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from localq.exceptions import ScheduleError
from localq.model.hints import suggesting
from localq.schedules.rules.cron_words import Times, in_words
from localq.schedules.rules.crontab_reader import ParseException, crontab_parser
from localq.schedules.rules.said import Say, english
from localq.schedules.rules.stepping import Pattern, check_length, follows_real_time, next_match
from localq.schedules.rules.wall_clock import WallRule

__all__ = ["Cronspec", "crontab"]

#: What a field may be: a number, a text as in cron, or several numbers or texts.
Cronspec = int | str | Iterable[int | str]

_SIZES = {
    "minute": (60, 0),
    "hour": (24, 0),
    "day_of_week": (7, 0),
    "day_of_month": (31, 1),
    "month_of_year": (12, 1),
}
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class crontab(WallRule):  # noqa: N801 - Celery's name
    """Due at minutes whose minute, hour, day of the week, day of the month *and* month all match.

    Mind the order of the arguments, and that both day fields must match, where cron wants only one of them:
    `crontab(0, 0, day_of_month=13, day_of_week=5)` is every Friday the 13th. For cron's rule use `cron`.

    Args:
        minute: 0 to 59.
        hour: 0 to 23.
        day_of_week: 0 (Sunday) to 6 (Saturday), or names: "mon-fri".
        day_of_month: 1 to 31.
        month_of_year: 1 to 12, or names: "jan,jul".
        nowfun: For `is_due`: returns the current datetime.
        app: For `is_due`: the app whose zone and clock count.

    Each is a number, several numbers, or a text: `*`, `*/15`, `1,15`, `22-3`, `8-18/2`.

    Attributes:
        minute, hour, day_of_week, day_of_month, month_of_year: The numbers each field names, as sets.

    Raises:
        ScheduleError: A field cannot be read, or no month has such a day (it is a ValueError, as in Celery).
    """

    @suggesting
    def __init__(
        self,
        minute: Cronspec = "*",
        hour: Cronspec = "*",
        day_of_week: Cronspec = "*",
        day_of_month: Cronspec = "*",
        month_of_year: Cronspec = "*",
        *,
        nowfun: Callable[[], datetime] | None = None,
        app: Any = None,
    ) -> None:
        super().__init__(nowfun, app)
        given = (minute, hour, day_of_week, day_of_month, month_of_year)
        self.fields = {name: _text(name, value) for name, value in zip(_SIZES, given, strict=True)}
        self.minute = self._numbers("minute", minute)
        self.hour = self._numbers("hour", hour)
        self.day_of_week = self._numbers("day_of_week", day_of_week)
        self.day_of_month = self._numbers("day_of_month", day_of_month)
        self.month_of_year = self._numbers("month_of_year", month_of_year)
        if min(self.day_of_month) > max(_DAYS_IN_MONTH[month - 1] for month in self.month_of_year):
            raise ScheduleError(
                f"crontab(day_of_month={self.fields['day_of_month']!r}, "
                f"month_of_year={self.fields['month_of_year']!r}) never matches: no such month has such a day"
            )
        self._pattern = Pattern(self._cron_text())
        self._real_time = follows_real_time(self.fields["minute"], self.fields["hour"])

    @classmethod
    def from_string(cls, crontab: str) -> crontab:
        """Make one of five fields in cron's order: minute, hour, day of the month, month, day of the week.

        The rule stays Celery's: both day fields must match, and 7 is no day.
        """
        fields = check_length(crontab).split()
        if len(fields) != 5:
            raise ScheduleError(
                f"crontab.from_string({crontab!r}) has {len(fields)} fields: it needs minute, hour, day of the "
                "month, month and day of the week; for other forms use cron(...)"
            )
        minute, hour, day_of_month, month_of_year, day_of_week = fields
        return cls(minute, hour, day_of_week, day_of_month, month_of_year)

    @property
    def follows_real_time(self) -> bool:
        """True if the minute or the hour is a wildcard."""
        return self._real_time

    def first_wall(self, wall: datetime, *, anchor: datetime) -> datetime | None:
        """Return the first matching minute that is not before `wall`."""
        return next_match(self._pattern, wall)

    def words(self) -> str:
        """Return "at 07:30 on Monday"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        of = self.fields
        return in_words(
            Times(sorted(self.hour), sorted(self.minute)),
            day_of_month=of["day_of_month"],
            month=of["month_of_year"],
            day_of_week=of["day_of_week"],
            both_days=True,
            say=say,
        )

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads: fields as they were given, those left out left out."""
        return {"kind": "crontab", **{name: text for name, text in self.fields.items() if text != "*"}}

    def _numbers(self, name: str, given: Cronspec) -> set[int]:
        try:
            return crontab_parser(*_SIZES[name]).parse(self.fields[name])
        except ParseException as error:
            if isinstance(given, str) and len(given.split()) > 1:
                raise ParseException(
                    f"crontab({name}={given!r}): blanks stand in it, and this is one field alone; for cron's five "
                    "fields in one text use crontab.from_string(...) or cron(...)"
                ) from error
            raise ParseException(f"crontab({name}=...): {error}") from error

    def _cron_text(self) -> str:
        order = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        numbers = ((name, sorted(getattr(self, name))) for name in order)
        return " ".join("*" if len(n) == _SIZES[name][0] else ",".join(map(str, n)) for name, n in numbers)


def _text(name: str, value: Any) -> str:
    """Write a field down as cron does."""
    if value is None:
        return "*"
    if isinstance(value, bool):
        raise ScheduleError(f"crontab({name}={value!r}): it must be a number, a text or several of them")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "".join(check_length(value).split())
    if isinstance(value, Iterable):
        parts = [_text(name, part) for part in (sorted(value) if isinstance(value, set | frozenset) else value)]
        if parts:
            return ",".join(parts)
    raise ScheduleError(f"crontab({name}={value!r}): it must be a number, a text or several of them")
