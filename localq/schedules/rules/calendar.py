"""Every so many days, weeks, months or years of the calendar, at one time of the day."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args

from localq.exceptions import ScheduleError
from localq.model.bounds import is_whole
from localq.model.hints import suggesting
from localq.schedules.rules.said import Nth, Say, english
from localq.schedules.rules.wall_clock import WallRule

__all__ = ["Calendar", "ShortMonth", "calendar"]

#: What becomes of a month that has no such day: its last day is taken, or the month is left out.
ShortMonth = Literal["last", "skip"]

_LAST_YEAR = 9000


class Calendar(WallRule):
    """Due on every n-th day or month at one time of the day; `calendar` makes one and says what the parts mean."""

    def __init__(
        self,
        years: int = 0,
        months: int = 0,
        weeks: int = 0,
        days: int = 0,
        day: int | None = None,
        at: time | str = "00:00",
        start: date | str | None = None,
        short_month: ShortMonth = "last",
    ) -> None:
        super().__init__()
        self.months = _whole("years", years) * 12 + _whole("months", months)
        self.days = _whole("weeks", weeks) * 7 + _whole("days", days)
        if bool(self.months) == bool(self.days):
            raise ScheduleError("calendar(...) needs a length: either years and months, or weeks and days")
        if day is not None and (self.days or not 1 <= _whole("day", day) <= 31):
            raise ScheduleError(f"calendar(day={day!r}): it is a day of the month, 1 to 31, and goes with months only")
        if short_month not in get_args(ShortMonth):
            raise ScheduleError(f"calendar(short_month={short_month!r}): it must be 'last' or 'skip'")
        self.day, self.short_month = day, short_month
        self.at, self.start = _time(at), _date(start)
        if self.months and short_month == "skip" and self.start and not self._ever(self.start):
            raise ScheduleError(f"calendar(start={start!r}, day={day!r}) never matches: no such month has such a day")

    def first_wall(self, wall: datetime, *, anchor: datetime) -> datetime | None:
        """Return the first of its times that is not before `wall`; before the first date there are none."""
        base = self.start or anchor.date()
        found = self._by_days(wall, base) if self.days else self._by_months(wall, base)
        return found if found is not None and found.year < _LAST_YEAR else None

    def _by_days(self, wall: datetime, base: date) -> datetime:
        first = datetime.combine(base, self.at)
        number = max(-((first - wall) // timedelta(days=self.days)), 0)
        return first + number * timedelta(days=self.days)

    def _by_months(self, wall: datetime, base: date) -> datetime | None:
        origin = base.year * 12 + base.month - 1
        number = max((wall.year * 12 + wall.month - 1 - origin) // self.months, 0)
        # The longest wait is for a February 29, eight years around a century, times the step.
        for month in range(origin + number * self.months, _LAST_YEAR * 12, self.months):
            found = self._in_month(month, self.day or base.day)
            if found is not None and found >= wall and found.date() >= (self.start or date.min):
                return found
        return None

    def _in_month(self, month: int, day: int) -> datetime | None:
        year, index = divmod(month, 12)
        last = monthrange(year, index + 1)[1]
        if day > last and self.short_month == "skip":
            return None
        return datetime.combine(date(year, index + 1, min(day, last)), self.at)

    def _ever(self, start: date) -> bool:
        origin = start.year * 12 + start.month - 1
        # 400 years of 12 months: after that the calendar repeats.
        months = range(origin, origin + 4800 * self.months, self.months)
        return any(self._in_month(month, self.day or start.day) for month in months)

    def words(self) -> str:
        """Return "every month on the 31st, or the last day of a shorter month, at 07:30"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        unit, count = _length(self.months, self.days)
        length = say(unit) if count == 1 else say(f"{{count}} {unit}s", count=count)
        text = say("every {length}", length=length)
        day = self.day or (self.start.day if self.start and self.months else None)
        if day is not None:
            text = self._on_the(Nth(day), text, say)
        text = say("{rule} at {time}", rule=text, time=f"{self.at:%H:%M:%S}".removesuffix(":00"))
        return say("{rule} from {first} on", rule=text, first=str(self.start)) if self.start else text

    def _on_the(self, nth: Nth, rule: str, say: Say) -> str:
        if nth <= 28:
            return say("{rule} on the {nth}", rule=rule, nth=nth)
        if self.short_month == "skip":
            return say("{rule} on the {nth}, leaving out shorter months,", rule=rule, nth=nth)
        return say("{rule} on the {nth}, or the last day of a shorter month,", rule=rule, nth=nth)

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        spec: dict[str, Any] = {"kind": "calendar", "months": self.months, "days": self.days, "day": self.day}
        spec |= {"at": self.at.isoformat(), "start": self.start.isoformat() if self.start else None}
        return {**spec, "short_month": self.short_month}


@suggesting
def calendar(
    *,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    day: int | None = None,
    at: time | str = "00:00",
    start: date | str | None = None,
    short_month: ShortMonth = "last",
) -> Calendar:
    """Return the rule of a length in the calendar: `calendar(months=1, day=31, at="07:30")`, `calendar(weeks=2)`.

    It is always due at the same time of the day, which is what an interval of 24 hours cannot promise.

    Args:
        years, months: The length; they may be combined.
        weeks, days: The length; they may be combined, but not with years and months.
        day: The day of the month; by default that of the first date.
        at: The time of the day on the clock of the schedule's zone: a time, or "07:30".
        start: The first date, from which lengths are counted; by default that of the schedule's first instant.
        short_month: For a month that has no such day: "last" takes its last day, "skip" leaves it out.

    Raises:
        ScheduleError: A part cannot be, or no date ever matches.
    """
    return Calendar(years, months, weeks, days, day, at, start, short_month)


#: What a length is put together of: one of a unit, and several.
TEXTS = tuple(text for name in ("day", "week", "month", "year") for text in (name, f"{{count}} {name}s"))


def _length(months: int, days: int) -> tuple[str, int]:
    if months:
        return ("year", months // 12) if months % 12 == 0 else ("month", months)
    return ("week", days // 7) if days % 7 == 0 else ("day", days)


def _whole(name: str, value: Any) -> int:
    if not is_whole(value, 0, 10_000):
        raise ScheduleError(f"calendar({name}={value!r}): it must be a whole number from 0 to 10,000")
    return int(value)


def _time(value: object) -> time:
    try:
        found = time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ScheduleError(f"calendar(at={value!r}): {error}; write '07:30'") from error
    if not isinstance(found, time) or found.tzinfo is not None:
        raise ScheduleError(f"calendar(at={value!r}): it must be a time without a zone, or a text like '07:30'")
    return found


def _date(value: object) -> date | None:
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ScheduleError(f"calendar(start={value!r}): {error}; write '2026-01-31'") from error
    if found is not None and (not isinstance(found, date) or isinstance(found, datetime)):
        raise ScheduleError(f"calendar(start={value!r}): it must be a date, or a text like '2026-01-31'")
    return found
