"""Cron's fields in English."""

from __future__ import annotations

import re

from localq.schedules.crontab_parser import MONTHS, WEEKDAYS

__all__ = ["in_words", "ordinal", "series"]

_STEP = re.compile(r"\*/(\d+)")
_RANGE = re.compile(r"(\w+)-(\w+)")
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


def _numbers(field: str) -> list[int] | None:
    parts = field.split(",")
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else None


def _time(second: str, minute: str, hour: str) -> str:
    seconds, minutes, hours = _numbers(second), _numbers(minute), _numbers(hour)
    if seconds and minutes and hours and len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES:
        return f"at {series(_times(seconds, minutes, hours))}"
    parts = [] if second == "0" else [_field(second, "second", "minute")]
    if second == "0" or not _any(minute):
        parts.append(_field(minute, "minute", "hour"))
    if not _any(hour):
        parts.append(f"in {_field(hour, 'hour', 'day')}" if _numbers(hour) is None else f"past {_hours(hour)}")
    text = " ".join(parts)
    return "every hour, on the hour" if text == "at minute 0 of every hour" else text


def _times(seconds: list[int], minutes: list[int], hours: list[int]) -> list[str]:
    with_seconds = seconds != [0]
    return [
        f"{hour:02}:{minute:02}:{second:02}" if with_seconds else f"{hour:02}:{minute:02}"
        for hour in sorted(hours)
        for minute in sorted(minutes)
        for second in sorted(seconds)
    ]


def _hours(field: str) -> str:
    return series([f"{hour:02}:00" for hour in sorted(_numbers(field) or [])])


def _field(field: str, name: str, whole: str) -> str:
    """Return "every 5 minutes", "at minute 5 of every hour", "every hour from 9 to 17"."""
    if _any(field):
        return f"every {name}"
    if step := _STEP.fullmatch(field):
        size, number = (24 if name == "hour" else 60), int(step[1])
        if number == 1:
            return f"every {name}"
        if size % number == 0 and name != "hour":
            return f"every {number} {name}s"
        return f"every {ordinal(number)} {name} of the {whole}, from 0"
    if name == "hour":
        return f"the hours {_listed(field, str, name)}"
    of = f" of every {whole}" if whole == "hour" else ""
    plural = "" if field.isdecimal() else "s"
    return f"at {name}{plural} {_listed(field, str, name)}{of}"


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
