"""Look a rule over for traps: what it will not do, or do on other days than it seems."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from localq.exceptions import LocalQError
from localq.model.clock import to_datetime
from localq.schedules.lint.clock import check_clock
from localq.schedules.lint.fields import check_fields
from localq.schedules.lint.remark import Remark, Severity
from localq.schedules.rules.combined import AllOf, AnyOf
from localq.schedules.rules.cron_text import CronText
from localq.schedules.rules.crontab import crontab
from localq.schedules.rules.interval import schedule
from localq.schedules.rules.pinned import PinnedInterval
from localq.schedules.rules.reading import as_rule
from localq.schedules.rules.rule import Rule
from localq.schedules.rules.wall import DAY, SECOND
from localq.schedules.rules.wall_clock import WallRule
from localq.schedules.rules.wall_trigger import WallTrigger

__all__ = ["lint"]

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


def lint(value: object, zone: ZoneInfo, now: int, *, hash_key: str = "schedule") -> list[Remark]:
    """Return what there is to know about a rule, the worst first; nothing if it holds no traps.

    Args:
        value: A text such as "59/15 * * * *", or whatever else `as_rule` takes.
        zone: The zone whose clock the rule will read.
        now: The present: dates in remarks are those of the year after it.
        hash_key: What `H` is drawn from.
    """
    try:
        rule = as_rule(value, hash_key=hash_key)
    except LocalQError as error:
        return [Remark("error", str(error), "It is refused wherever a schedule is defined.")]
    return sorted(_check(rule, zone, now), key=lambda remark: _ORDER[remark.severity])


def _check(rule: Rule, zone: ZoneInfo, now: int) -> Iterator[Remark]:
    if isinstance(rule, AnyOf | AllOf):
        for part in rule.rules:
            yield from _check(part, zone, now)
    if isinstance(rule, CronText | crontab):
        yield from check_fields(rule)
    if isinstance(rule, WallRule):
        yield from check_clock(rule, rule.zone if isinstance(rule, WallTrigger) else zone, now)
    if isinstance(rule, schedule | PinnedInterval):
        yield from _interval(rule)
    if isinstance(rule, WallTrigger) and any(char.isdecimal() for char in rule.weekdays):
        yield _weekdays(rule.weekdays)
    if rule.next_after(now, anchor=now, zone=zone) is None:
        yield Remark(
            "warning",
            f"Nothing is due any more after {to_datetime(now).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}.",
            "Look at the dates, years and ends it names.",
        )


def _interval(rule: schedule | PinnedInterval) -> Iterator[Remark]:
    if rule.micros < SECOND:
        count = DAY // rule.micros
        text = f"It is due every {rule.micros / SECOND:g} seconds: {count:,} times a day, and each is recorded."
        yield Remark("warning", text, "For work that never stops, let one job loop; for quick reaction, enqueue it.")
    if rule.micros >= DAY and rule.micros % DAY == 0 and not getattr(rule, "relative", False):
        text = "A day is 24 hours of real time here: when clocks change, the time of the day shifts."
        yield Remark("note", text, "For the same time each day use calendar(days=...) or crontab(...).")


def _weekdays(field: str) -> Remark:
    text = f"In a CronTrigger's day_of_week {field!r}, 0 is Monday; in cron and in Celery it is Sunday."
    return Remark("warning", text, "Names leave no doubt: mon, tue, wed, thu, fri, sat, sun.")
