"""Cron expressions as cron has them, with croniter's additions, and cron's rule for the two day fields."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from localq.exceptions import ScheduleError
from localq.model.hints import nearest, suggesting
from localq.schedules.rules.cron_words import Times, in_words
from localq.schedules.rules.said import Say, english
from localq.schedules.rules.stepping import Pattern, check_length, ever_matches, follows_real_time, next_match, stepper
from localq.schedules.rules.wall_clock import WallRule

__all__ = ["ALIASES", "CronText", "cron"]

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NAMES = ("minute", "hour", "day_of_month", "month", "day_of_week", "second", "year")
#: What a field takes beside a star, lists, ranges and steps.
_TAKES = {
    "minute": "a minute is 0 to 59",
    "hour": "an hour is 0 to 23",
    "day_of_month": "a day of month is 1 to 31, or L",
    "month": "a month is 1 to 12, or jan to dec",
    "day_of_week": "a day of week is 0 to 7 (both are Sunday), or sun to sat",
    "second": "a second is 0 to 59",
    "year": "a year is 1970 to 2099",
}
_SIZES = {"hour": 24, "minute": 60, "second": 60}
_DRAWN = re.compile(r"([hr])(\(\d+-\d+\))?(/\d+)?", re.IGNORECASE)


class CronText(WallRule):
    """A cron expression of 5, 6 or 7 fields; `cron` makes one.

    Attributes:
        text: The expression, in its short form if it was given so.
        fields: Its fields by name: minute, hour, day_of_month, month, day_of_week, second, year.
    """

    def __init__(self, text: str, hash_key: str | None = None, seconds_first: bool = False) -> None:
        super().__init__()
        self.text = _tidy(text)
        parts = ALIASES.get(self.text, self.text).split()
        if len(parts) not in (5, 6, 7):
            many = "1 field" if len(parts) == 1 else f"{len(parts)} fields"
            raise ScheduleError(f"Cron expression {text!r} has {many}: 5, or 6 with seconds, are wanted")
        self.seconds_first = seconds_first and len(parts) > 5
        if self.seconds_first:
            parts.insert(5, parts.pop(0))
        self.fields = dict(zip(_NAMES, parts, strict=False))
        drawn = {match[1].lower() for part in parts if (match := _DRAWN.fullmatch(part))}
        self.hash_key = hash_key if "h" in drawn else None
        _check_drawn(text, drawn, hash_key)
        self.pattern = Pattern(" ".join(parts), self.hash_key)
        try:
            stepper(self.pattern)
        except ScheduleError as error:
            raise self._told(text, parts, error) from None
        self._ways = self._matching_ways(parts)
        if not self._ways:
            raise ScheduleError(f"Cron expression {text!r} never matches: no date has these days and months")

    def _told(self, text: str, parts: list[str], error: ScheduleError) -> ScheduleError:
        """Return the error of an expression that cannot be read, with the field that is the reason, if one alone is."""
        for at, (name, part) in enumerate(zip(_NAMES, parts, strict=False)):
            alone = " ".join(part if n == at else "*" for n in range(len(parts)))
            try:
                stepper(Pattern(alone, self.hash_key))
            except ScheduleError as own:
                why = str(own).partition("cannot be read: ")[2].removeprefix(f"[{alone}] ")
                field = name.replace("_", " ")
                return ScheduleError(f"Cron expression {text!r}: the {field} {part!r} {_said(why)}; {_TAKES[name]}")
        return error

    @property
    def follows_real_time(self) -> bool:
        """True if the minute or the hour is a wildcard."""
        return follows_real_time(self.fields["minute"], self.fields["hour"])

    @property
    def days_are_alternatives(self) -> bool:
        """True if both day fields are given: one that matches is enough then, which is cron's rule."""
        return not {self.fields["day_of_month"], self.fields["day_of_week"]} & {"*", "?"}

    def first_wall(self, wall: datetime, *, anchor: datetime) -> datetime | None:
        """Return the first match that is not before `wall`."""
        matches = (next_match(way, wall) for way in self._ways)
        return min((match for match in matches if match is not None), default=None)

    def _matching_ways(self, parts: list[str]) -> list[Pattern]:
        """Return the patterns of which one must match: one for each day field that is given."""
        ways = [self.pattern]
        if self.days_are_alternatives:
            day, weekday = _NAMES.index("day_of_month"), _NAMES.index("day_of_week")
            texts = (" ".join([*parts[:n], "*", *parts[n + 1 :]]) for n in (weekday, day))
            ways = [Pattern(text, self.hash_key) for text in texts]
        return [way for way in ways if ever_matches(way)]

    def words(self) -> str:
        """Return "at 07:30 on Monday"; where both day fields are given, with the rule they follow."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        numbers = dict(zip(_NAMES, stepper(self.pattern).expanded, strict=False))
        days = {
            name: ",".join(map(str, numbers[name])) if _DRAWN.fullmatch(field) else field
            for name, field in self.fields.items()
            if name not in _SIZES
        }
        hours, minutes, seconds = (
            range(size) if numbers.get(name) == ["*"] else numbers.get(name, [0]) for name, size in _SIZES.items()
        )
        return in_words(Times(hours, minutes, seconds), **days, both_days=not self.days_are_alternatives, say=say)

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        spec: dict[str, Any] = {"kind": "cron", "text": self.text}
        if self.hash_key is not None:
            spec["hash_key"] = self.hash_key
        if self.seconds_first:
            spec["seconds_first"] = True
        return spec


def _said(why: str) -> str:
    """Return croniter's words as the end of a sentence about a field."""
    if why.endswith("is out of bands"):
        return "is out of range"
    why = why.removesuffix(".")
    return why if why.startswith(("is ", "must ", "cannot ")) else f"cannot be read: {why}"


@suggesting
def cron(text: str, *, hash_key: str | None = None, seconds_first: bool = False) -> CronText:
    """Return the rule of a cron expression: `*/5 * * * *`, `@daily`, `0 9 * * mon-fri`, `0 0 L * *`.

    Five fields are minute, hour, day of the month, month and day of the week (0 or 7 is Sunday); a sixth is the
    second, a seventh the year. If both day fields are given, one that matches is enough, as in cron; Celery's
    `crontab` wants both. Further signs: `L` the last day, `L5` the last Friday, `5#3` the third Friday, `15W` the
    weekday nearest to the 15th, `H` a value drawn from a name, so that many daily schedules do not start together.

    Args:
        text: The expression.
        hash_key: What `H` is drawn from: the schedule's name. Without one, `H` is refused.
        seconds_first: The second is the first of 6 or 7 fields, as in Quartz and Spring.

    Raises:
        ScheduleError: It cannot be read, or no date ever matches.
    """
    return CronText(text, hash_key, seconds_first)


def _tidy(text: object) -> str:
    if not isinstance(text, str):
        raise ScheduleError(f"A cron expression is {text!r}: it must be a text")
    tidy = " ".join(check_length(text).split())
    if not tidy.startswith("@"):
        return tidy
    if tidy.lower() in ALIASES:
        return tidy.lower()
    raise ScheduleError(
        f"Cron expression {text!r} is unknown.{nearest(tidy, ALIASES)} "
        "To run something when a program starts, add a job when it starts."
    )


def _check_drawn(text: str, drawn: set[str], hash_key: str | None) -> None:
    if "r" in drawn:
        raise ScheduleError(f"Cron expression {text!r} uses R, which is drawn anew each time: use H, or jitter")
    if "h" in drawn and not hash_key:
        raise ScheduleError(f"Cron expression {text!r} uses H, which is drawn from a name: give hash_key=")
