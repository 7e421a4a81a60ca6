"""Cron's fields in English."""

from __future__ import annotations

import re

from localq.schedules.crontab_parser import MONTHS, WEEKDAYS

__all__ = ["in_words", "ordinal", "series"]

_STEP = re.compile(r"\*/(\d+)")
_RANGE = re.compile(r"(\w+)-(\w+)")
_SPAN = re.compile(r"(?P<low>\*|\d+)(?:-(?P<high>\d+))?(?:/(?P<step>\d+))?")
_NTH = re.compile(r"(\w+)#([1-5])")
#: More times of a day than this are told by their fields instead of one by one.
_MOST_TIMES = 6


def in_words(
    *,
    minute: str,
    hour: str,
    day_of_month: str,
    month: str,
    day_of_week: str,
    both_days: bool,
    second: str = "0",
    year: str = "*",
) -> str:
    """Return "at 07:30 on Monday": the time, the days, the months.

    Args:
        minute, hour, day_of_month, month, day_of_week, second, year: The fields as they were written.
        both_days: If both day fields are given, both must match (Celery); otherwise one is enough (cron).
    """
    parts = [_time(second, minute, hour), _days(day_of_month, day_of_week, both_days)]
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


def _numbers(field: str, size: int) -> list[int] | None:
    """Return the numbers a time field names; None if it says all of them, or is too odd to list."""
    found: set[int] = set()
    for part in field.split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            return None
        low, high, step = match["low"], match["high"], match["step"]
        end = int(high or low) if not step or high else size - 1
        found.update(range(0 if low == "*" else int(low), (size - 1 if low == "*" else end) + 1, int(step or 1)))
    return sorted(found) if 0 < len(found) < size else None


def _time(second: str, minute: str, hour: str) -> str:
    seconds, minutes, hours = _numbers(second, 60), _numbers(minute, 60), _numbers(hour, 24)
    if seconds and minutes and hours and len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES:
        return f"at {series(_times(seconds, minutes, hours))}"
    whole = "every hour" if hours is None else _few(hours, "hour")
    if second == "0":
        text = _within(minute, "minute", whole, everywhere=hours is None)
        return "every hour, on the hour" if text == "at minute 0 of every hour" else text
    inner = "every minute" if minutes is None else f"{_few(minutes, 'minute')} of {whole}"
    text = _within(second, "second", inner, everywhere=minutes is None)
    return text if minutes is not None or hours is None else f"{text} in {whole}"


def _within(field: str, name: str, whole: str, *, everywhere: bool) -> str:
    """Return "every 5 minutes in the hours 9 to 17", "at minute 5 of every hour"."""
    numbers, step = _numbers(field, 60), _STEP.fullmatch(field)
    if numbers is None or (step and 60 % int(step[1]) == 0 and len(numbers) > 1):
        rate = f"every {name}" if numbers is None else f"every {60 // len(numbers)} {name}s"
        return rate if everywhere else f"{rate} in {whole}"
    return f"at {_few(numbers, name).removeprefix('the ')} of {whole}"


def _few(numbers: list[int], name: str) -> str:
    """Return "the minute 5", "the hours 9 to 17", "the minutes 0, 7, 14 and 21"."""
    if len(numbers) == 1:
        return f"the {name} {numbers[0]}"
    if len(numbers) > 2 and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return f"the {name}s {numbers[0]} to {numbers[-1]}"
    return f"the {name}s {series([*map(str, numbers)])}"


def _times(seconds: list[int], minutes: list[int], hours: list[int]) -> list[str]:
    all_of_them = [(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
    shown = all_of_them if seconds != [0] else [time[:2] for time in all_of_them]
    return [":".join(f"{number:02}" for number in time) for time in shown]


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


def _listed(field: str, one: object, name: str, article: str = "") -> str:
    return series([_part(part, one, name, article) for part in field.split(",")])


def _part(part: str, one: object, name: str, article: str) -> str:
    assert callable(one)
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
