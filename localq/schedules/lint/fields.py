"""Traps in the fields of cron expressions and crontabs: steps, weekdays, ranges, the two day fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from localq.schedules.lint.remark import Remark
from localq.schedules.rules.cron_text import CronText
from localq.schedules.rules.crontab import crontab
from localq.schedules.rules.crontab_reader import MONTHS, WEEKDAYS
from localq.schedules.rules.said import series

__all__ = ["check_fields"]

#: Each field's lowest and highest number, and what it starts anew with.
_FIELDS = {
    "second": (0, 59, "minute"),
    "minute": (0, 59, "hour"),
    "hour": (0, 23, "day"),
    "day_of_month": (1, 31, "month"),
    "month": (1, 12, "year"),
    "day_of_week": (0, 6, "week"),
}
_START_STEP = re.compile(r"(\w+)/(\d+)")
_STAR_STEP = re.compile(r"\*/(\d+)")
_RANGE = re.compile(r"(\w+)-(\w+)(?:/\d+)?")


def check_fields(rule: CronText | crontab) -> Iterator[Remark]:
    """Yield what is odd about a rule's fields."""
    fields = dict(rule.fields)
    if isinstance(rule, crontab):
        fields["month"] = fields.pop("month_of_year")
    for name, field in fields.items():
        if name in _FIELDS:
            for part in field.split(","):
                yield from _steps(name, part)
                yield from _even(name, part)
                if isinstance(rule, CronText):
                    yield from _ranges(name, part)
    yield from _weekdays(fields["day_of_week"], isinstance(rule, crontab))
    yield from _both_days(rule, fields)
    yield from _short_months(fields)
    yield from _every_minute(fields)
    if "second" in fields:
        yield from _seconds(rule)


def _number(name: str, text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    names: Mapping[str, tuple[str, ...]] = {"month": ("", *MONTHS), "day_of_week": WEEKDAYS}
    return next((n for n, full in enumerate(names.get(name, ())) if full and full.startswith(text.lower())), None)


def _steps(name: str, part: str) -> Iterator[Remark]:
    low, high, whole = _FIELDS[name]
    match = _START_STEP.fullmatch(part)
    start = _number(name, match[1]) if match else None
    if match is None or start is None or start + int(match[2]) <= high:
        return
    text = f"{_said(name)} {part!r} means {start} only: the step leads beyond {high}."
    if start == high:
        text += f" Croniter before version 7 took it for every value of the {whole}."
    yield Remark("warning", text, f"Write {start}, or {low}-{high}/{match[2]} or */{match[2]} for steps.")


def _even(name: str, part: str) -> Iterator[Remark]:
    match = _STAR_STEP.fullmatch(part)
    if match is None or int(match[1]) < 2:
        return
    low, high, whole = _FIELDS[name]
    step, size = int(match[1]), high - low + 1
    if step >= size:
        yield Remark("warning", f"{_said(name)} {part!r} means {low} only.", f"Write {low}.")
    elif size % step or name == "day_of_month":
        numbers = [*range(low, high + 1, step)]
        few = len(numbers) < 7
        shown = series([*map(str, numbers)]) if few else f"{numbers[0]}, {numbers[1]}, ... {numbers[-1]}"
        text = f"{_said(name)} {part!r} means {shown}: it starts anew with each {whole}, so the last gap is shorter."
        yield Remark("warning", text, "For equal gaps use an interval: every(...) or calendar(...).")


def _ranges(name: str, part: str) -> Iterator[Remark]:
    match = _RANGE.fullmatch(part)
    if match is None:
        return
    low, high = _number(name, match[1]), _number(name, match[2])
    if low is None or high is None:
        return
    if low == high:
        yield Remark(
            "warning",
            f"{_said(name)} {part!r} is a range of one value, and means the whole {_FIELDS[name][2]}.",
            f"Write {match[1]} for the one value, or * for all.",
        )
    elif low > high and not (name == "day_of_week" and high == 0):
        text = f"{_said(name)} {part!r} runs backwards: it goes on over the end of the {_FIELDS[name][2]}."
        yield Remark("note", text, "Nothing to do if that is meant.")


def _weekdays(field: str, celery: bool) -> Iterator[Remark]:
    digits = sorted({int(text) for text in re.findall(r"(?<![\w#/])\d(?![\w])", field.replace("#", " #"))})
    if not digits:
        return
    meant = series([f"{digit} is {WEEKDAYS[digit % 7].capitalize()}" for digit in digits])
    known = "Celery and cron count so" if celery else "Cron counts so, and takes 7 for Sunday too"
    text = f"In the day of the week {field!r}, {meant}. {known}; APScheduler calls Monday 0, Quartz Sunday 1."
    yield Remark("note", text, "Names leave no doubt: mon, tue, wed, thu, fri, sat, sun.")


def _both_days(rule: CronText | crontab, fields: Mapping[str, str]) -> Iterator[Remark]:
    month_day, week_day = fields["day_of_month"], fields["day_of_week"]
    if {month_day, week_day} & {"*", "?"}:
        return
    text = f"Both the day of the month {month_day!r} and the day of the week {week_day!r} are given: "
    if isinstance(rule, CronText):
        yield Remark(
            "warning",
            f"{text}one that matches is enough, which is cron's rule.",
            "If both must match, use crontab(day_of_month=..., day_of_week=...), which follows Celery's rule.",
        )
    else:
        yield Remark("note", f"{text}both must match, which is Celery's rule.", "If one is enough, use cron('...').")


def _short_months(fields: Mapping[str, str]) -> Iterator[Remark]:
    days = [int(day) for day in fields["day_of_month"].split(",") if day.isdecimal()]
    months = {_number("month", month) for month in fields["month"].split(",")}
    if not days or min(days) < 29 or None not in months | ({None} if fields["month"] == "*" else set()):
        return
    text = f"Months that have no day {min(days)} are left out."
    yield Remark("note", text, "For the last day of each month use L in cron('...'), or calendar(months=1, day=31).")


def _every_minute(fields: Mapping[str, str]) -> Iterator[Remark]:
    minute, hour = fields["minute"], fields["hour"]
    if minute not in ("*", "*/1"):
        return
    if hour in ("*", "*/1"):
        yield Remark("note", "It is due every minute: 1,440 times a day.", "See that each run ends within its minute.")
    else:
        text = f"With the minute {minute!r} it is due 60 times in each hour of {hour!r}."
        yield Remark("warning", text, "For once an hour, write the minute: 0.")


def _seconds(rule: CronText | crontab) -> Iterator[Remark]:
    first = isinstance(rule, CronText) and rule.seconds_first
    second = rule.fields["second"]
    place, other = ("first", "last") if first else ("last", "first")
    if "year" in rule.fields and not first:
        place = "sixth"
    text = f"It has more than five fields: the {place} one, {second!r}, is the second. Others want it {other}."
    yield Remark("note", text, f"For seconds that come {other}, give seconds_first={not first}.")
    if second in ("*", "*/1"):
        text = "It is due every second in each of its minutes."
        yield Remark("warning", text, "If that is not meant, leave the field of seconds out.")


def _said(name: str) -> str:
    return f"The {name.replace('_', ' ').replace('day of', 'day of the')}"
