"""Cron's fields in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from localq.schedules.rules.crontab_reader import MONTHS, WEEKDAYS
from localq.schedules.rules.said import Nth, Say, english, series

__all__ = ["TEXTS", "Times", "in_words"]

_RANGE = re.compile(r"(\w+)-(\w+)")
_NTH = re.compile(r"(\w+)#([1-5])")
#: More times of a day than this are told by their fields instead of one by one.
_MOST_TIMES = 6
#: Of each unit: each one, each so many, such a rate from one of them on, one, a span, and several of them.
_UNITS = {
    "second": (
        "every second",
        "every {count} seconds",
        "{rate} from second {number} on",
        "second {number}",
        "seconds {first} to {last}",
        "seconds {numbers}",
    ),
    "minute": (
        "every minute",
        "every {count} minutes",
        "{rate} from minute {number} on",
        "minute {number}",
        "minutes {first} to {last}",
        "minutes {numbers}",
    ),
    "hour": ("", "", "", "hour {number}", "hours {first} to {last}", "hours {numbers}"),
}
#: Of each field of days: each one, and each so many.
_FIELDS = {
    "day of the month": ("every day of the month", "every {nth} day of the month"),
    "day of the week": ("every day of the week", "every {nth} day of the week"),
    "month": ("every month", "every {nth} month"),
    "year": ("every year", "every {nth} year"),
}
#: What is said by these tables, and the names of days and months.
TEXTS = (
    *(text for texts in (*_UNITS.values(), *_FIELDS.values()) for text in texts if text),
    *(name.capitalize() for name in (*WEEKDAYS, *MONTHS)),
)


class Times(NamedTuple):
    """The numbers that the fields of the time of day name, in order."""

    hours: Sequence[int]
    minutes: Sequence[int]
    seconds: Sequence[int] = (0,)


def in_words(
    times: Times,
    *,
    day_of_month: str,
    month: str,
    day_of_week: str,
    both_days: bool,
    year: str = "*",
    say: Say = english,
) -> str:
    """Return "at 07:30 on Monday": the time, the days, the months.

    Args:
        times: When on a day.
        day_of_month, month, day_of_week, year: The fields as they were written.
        both_days: If both day fields are given, both must match (Celery); otherwise one is enough (cron).
        say: Says it in a language.
    """
    text = _time(times, say)
    if days := _days(day_of_month, day_of_week, both_days, say):
        text = say("{time} {days}", time=text, days=days)
    if not _any(month):
        text = say("{rule} in {period}", rule=text, period=_listed(month, _month, "month", say))
    if not _any(year):
        text = say("{rule} in {period}", rule=text, period=_listed(year, _as_it_is, "year", say))
    return text


def _any(field: str) -> bool:
    return field in ("*", "?")


def _time(times: Times, say: Say) -> str:
    hours, minutes, seconds = times
    if len(hours) * len(minutes) * len(seconds) <= _MOST_TIMES:
        return say("at {times}", times=series(_times(times), say))
    day = "" if len(hours) == 24 else say("the {what}", what=_few(hours, "hour", say))
    if [*seconds] == [0]:
        if [*minutes] == [0] and not day:
            return say("every hour, on the hour")
        return _within(minutes, "minute", day or say("every hour"), say, everywhere=not day)
    if len(minutes) == 60:
        text = _within(seconds, "second", say("every minute"), say, everywhere=True)
        return say("{rule} in {period}", rule=text, period=day) if day else text
    hour = say("{what} of {whole}", what=_few(minutes, "minute", say), whole=day or say("every hour"))
    return _within(seconds, "second", hour, say, everywhere=False)


def _within(numbers: Sequence[int], name: str, whole: str, say: Say, *, everywhere: bool) -> str:
    """Return "every 5 minutes in the hours 9 to 17", "at minute 5 of every hour"."""
    each, each_few, from_one = _UNITS[name][:3]
    step = 60 // len(numbers)
    if len(numbers) > 1 and [*numbers] == [*range(numbers[0], 60, step)] and 60 % len(numbers) == 0:
        rate = say(each) if step == 1 else say(each_few, count=step)
        rate = say(from_one, rate=rate, number=numbers[0]) if numbers[0] else rate
        return rate if everywhere else say("{rule} in {period}", rule=rate, period=whole)
    return say("at {times}", times=say("{what} of {whole}", what=_few(numbers, name, say), whole=whole))


def _few(numbers: Sequence[int], name: str, say: Say) -> str:
    """Return "minute 5", "hours 9 to 17", "minutes 0, 7, 14 and 21"."""
    one, span, several = _UNITS[name][3:]
    if len(numbers) == 1:
        return say(one, number=numbers[0])
    if len(numbers) > 2 and [*numbers] == [*range(numbers[0], numbers[-1] + 1)]:
        return say(span, first=numbers[0], last=numbers[-1])
    return say(several, numbers=series([*map(str, numbers)], say))


def _times(times: Times) -> list[str]:
    shown = [(hour, minute, second) for hour in times.hours for minute in times.minutes for second in times.seconds]
    return [
        f"{hour:02}:{minute:02}" if [*times.seconds] == [0] else f"{hour:02}:{minute:02}:{second:02}"
        for hour, minute, second in shown
    ]


def _days(day_of_month: str, day_of_week: str, both: bool, say: Say) -> str:
    month_days = "" if _any(day_of_month) else _listed(day_of_month, _month_day, "day of the month", say, article=True)
    week_days = "" if _any(day_of_week) else _listed(day_of_week, _week_day, "day of the week", say)
    if month_days and week_days:
        if both:
            return say(
                "on {month_days}, if it is also {week_days} (both day fields must match)",
                month_days=month_days,
                week_days=week_days,
            )
        return say(
            "on {month_days}, and also on {week_days} (one matching day field is enough)",
            month_days=month_days,
            week_days=week_days,
        )
    return say("on {days}", days=month_days or week_days) if month_days or week_days else ""


def _month_day(text: str, say: Say) -> str:
    if text.lower() == "l":
        return say("last day of the month")
    if weekday := re.fullmatch(r"(?i)(\d+)w|w(\d+)", text):
        return say("weekday nearest to the {nth}", nth=Nth(weekday[1] or weekday[2]))
    return say("{nth}", nth=Nth(text)) if text.isdecimal() else text


def _week_day(text: str, say: Say) -> str:
    if nth := _NTH.fullmatch(text):
        return say("the {nth} {day} of the month", nth=Nth(nth[2]), day=_week_day(nth[1], say))
    if last := re.fullmatch(r"(?i)l(\d)", text):
        return say("the last {day} of the month", day=_week_day(last[1], say))
    if text.isdecimal():
        return say(WEEKDAYS[int(text) % 7].capitalize())
    return next((say(day.capitalize()) for day in WEEKDAYS if day.startswith(text.lower())), text)


def _month(text: str, say: Say) -> str:
    if text.isdecimal():
        return say(MONTHS[int(text) - 1].capitalize())
    return next((say(month.capitalize()) for month in MONTHS if month.startswith(text.lower())), text)


def _as_it_is(text: str, say: Say) -> str:
    return text


def _listed(field: str, one: Callable[[str, Say], str], name: str, say: Say, *, article: bool = False) -> str:
    def called(text: str) -> str:
        return say("the {what}", what=one(text, say)) if article else one(text, say)

    return series([_part(part, called, name, say) for part in field.split(",")], say)


def _part(part: str, called: Callable[[str], str], name: str, say: Say) -> str:
    each, each_nth = _FIELDS[name]
    if _any(part):
        return say(each)
    base, _, step = part.partition("/")
    rate = say(each_nth, nth=Nth(step)) if step.isdecimal() and int(step) > 1 else ""
    if base in ("*", "?"):
        return say("{rate} from the first", rate=rate) if rate else say(each)
    if span := _RANGE.fullmatch(base):
        text = say("{first} to {last}", first=called(span[1]), last=called(span[2]))
        return say("{rate} from {span}", rate=rate, span=text) if rate else text
    return say("{rate} from {first} on", rate=rate, first=called(base)) if rate else called(base)
