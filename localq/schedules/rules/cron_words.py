"""Cron's fields in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from localq.schedules.rules.crontab_reader import MONTHS, WEEKDAYS

__all__ = ["Times", "in_words", "ordinal", "series"]

_RANGE = re.compile(r"(\w+)-(\w+)")
_NTH = re.compile(r"(\w+)#([1-5])")
#: More times of a day than this are told by their fields instead of one by one.
_MOST_TIMES = 6


class Times(NamedTuple):
    """The numbers that the fields of the time of day name, in order."""

    hours: Sequence[int]
    minutes: Sequence[int]
    seconds: Sequence[int] = (0,)


def in_words(times: Times, *, day_of_month: str, month: str, day_of_week: str, both_days: bool, year: str = "*") -> str:
    """Return "at 07:30 on Monday": the time, the days, the months.

    Args:
        times: When on a day.
        day_of_month, month, day_of_week, year: The fields as they were written.
        both_days: If both day fields are given, both must match (Celery); otherwise one is enough (cron).
    """
    parts = [_time(times), _days(day_of_month, day_of_week, both_days)]
    if not _any(month):
        parts.append(f"in {_listed(month, _month, 'month')}")
    if not _any(year):
        parts.append(f"in {_listed(year, str, 'year')}")
    return " ".join(part for part in parts if part)


def ordinal(number: int) -> str:
    """Return "1st", "22nd", "13th"."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number // 10 % 10 == 1 else ending}"


def series(words: list[str], joint: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return f"{', '.join(words[:-1])} {joint} {words[-1]}" if words[1:] else words[0]


def _any(field: str) -> bool:
    return field in ("*", "?")


def _time(times: Times) -> str:
    hours, minutes, seconds = times
    if len(hours) * len(minutes) * len(seconds) <= _MOST_TIMES:
        return f"at {series(_times(times))}"
    day = "" if len(hours) == 24 else _few(hours, "hour")
    if [*seconds] == [0]:
        text = _within(minutes, "minute", day or "every hour", everywhere=not day)
        return "every hour, on the hour" if text == "at minute 0 of every hour" else text
    if len(minutes) == 60:
        text = _within(seconds, "second", "every minute", everywhere=True)
        return f"{text} in {day}" if day else text
    hour = f"{_few(minutes, 'minute').removeprefix('the ')} of {day or 'every hour'}"
    return _within(seconds, "second", hour, everywhere=False)


def _within(numbers: Sequence[int], name: str, whole: str, *, everywhere: bool) -> str:
    """Return "every 5 minutes in the hours 9 to 17", "at minute 5 of every hour"."""
    step = 60 // len(numbers)
    if len(numbers) > 1 and [*numbers] == [*range(numbers[0], 60, step)] and 60 % len(numbers) == 0:
        rate = f"every {name}" if step == 1 else f"every {step} {name}s"
        start = f" from {name} {numbers[0]} on" if numbers[0] else ""
        return f"{rate}{start}" if everywhere else f"{rate}{start} in {whole}"
    return f"at {_few(numbers, name).removeprefix('the ')} of {whole}"


def _few(numbers: Sequence[int], name: str) -> str:
    """Return "the minute 5", "the hours 9 to 17", "the minutes 0, 7, 14 and 21"."""
    if len(numbers) == 1:
        return f"the {name} {numbers[0]}"
    if len(numbers) > 2 and [*numbers] == [*range(numbers[0], numbers[-1] + 1)]:
        return f"the {name}s {numbers[0]} to {numbers[-1]}"
    return f"the {name}s {series([*map(str, numbers)])}"


def _times(times: Times) -> list[str]:
    shown = [(hour, minute, second) for hour in times.hours for minute in times.minutes for second in times.seconds]
    return [
        f"{hour:02}:{minute:02}" if [*times.seconds] == [0] else f"{hour:02}:{minute:02}:{second:02}"
        for hour, minute, second in shown
    ]


def _days(day_of_month: str, day_of_week: str, both: bool) -> str:
    month_days = "" if _any(day_of_month) else _month_days(day_of_month)
    week_days = "" if _any(day_of_week) else _week_days(day_of_week)
    if month_days and week_days:
        if both:
            return f"on {month_days}, if it is also {week_days} (both day fields must match)"
        return f"on {month_days}, and also on {week_days} (one matching day field is enough)"
    return f"on {month_days or week_days}" if month_days or week_days else ""


def _month_days(field: str) -> str:
    return _listed(field, _month_day, "day of the month", "the ")


def _month_day(text: str) -> str:
    if text.lower() == "l":
        return "last day of the month"
    if weekday := re.fullmatch(r"(?i)(\d+)w|w(\d+)", text):
        return f"weekday nearest to the {ordinal(int(weekday[1] or weekday[2]))}"
    return ordinal(int(text)) if text.isdecimal() else text


def _week_days(field: str) -> str:
    return _listed(field, _week_day, "day of the week")


def _week_day(text: str) -> str:
    if nth := _NTH.fullmatch(text):
        return f"the {ordinal(int(nth[2]))} {_week_day(nth[1])} of the month"
    if last := re.fullmatch(r"(?i)l(\d)", text):
        return f"the last {_week_day(last[1])} of the month"
    if text.isdecimal():
        return WEEKDAYS[int(text) % 7].capitalize()
    return next((day.capitalize() for day in WEEKDAYS if day.startswith(text.lower())), text)


def _month(text: str) -> str:
    if text.isdecimal():
        return MONTHS[int(text) - 1].capitalize()
    return next((month.capitalize() for month in MONTHS if month.startswith(text.lower())), text)


def _listed(field: str, one: Callable[[str], str], name: str, article: str = "") -> str:
    return series([_part(part, one, name, article) for part in field.split(",")])


def _part(part: str, one: Callable[[str], str], name: str, article: str) -> str:
    if _any(part):
        return f"every {name}"
    base, _, step = part.partition("/")
    stepped = f"every {ordinal(int(step))} {name} " if step.isdecimal() and int(step) > 1 else ""
    if base in ("*", "?"):
        return f"{stepped}from the first" if stepped else f"every {name}"
    if span := _RANGE.fullmatch(base):
        text = f"{article}{one(span[1])} to {article}{one(span[2])}"
        return f"{stepped}from {text}" if stepped else text
    return f"{stepped}from {article}{one(base)} on" if stepped else f"{article}{one(base)}"
