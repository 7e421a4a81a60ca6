from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from localq.schedules import Once, ScheduleError, as_rule, read_rule, trigger
from tests.unit.schedules.rules.instants import BERLIN, UTC, instant, shown


class EveryHour:
    """Somebody's own trigger."""

    def __init__(self, minute: int = 0) -> None:
        self.minute = minute

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        full = now.replace(minute=self.minute, second=0, microsecond=0)
        return full if full >= now else full + timedelta(hours=1)


class Stuck:
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return datetime(2020, 1, 1, tzinfo=UTC)


class Naive:
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return datetime(2030, 1, 1)


def started(**fields: Any) -> IntervalTrigger:
    return IntervalTrigger(**fields, timezone=UTC)


@pytest.mark.parametrize(
    ("value", "dues"),
    [
        (
            started(hours=5, start_date=datetime(2026, 1, 1, tzinfo=UTC)),
            ["2026-01-30 09:00", "2026-01-30 14:00", "2026-01-30 19:00"],
        ),
        (
            started(
                hours=5, start_date=datetime(2026, 1, 1, tzinfo=UTC), end_date=datetime(2026, 1, 30, 14, tzinfo=UTC)
            ),
            ["2026-01-30 09:00", "2026-01-30 14:00"],
        ),
        (
            CronTrigger.from_crontab("30 2 * * 0", timezone=UTC),  # 0 is Monday to APScheduler
            ["2026-02-02 02:30", "2026-02-09 02:30", "2026-02-16 02:30"],
        ),
        (
            CronTrigger(day="last fri", hour=8, timezone=UTC),
            ["2026-01-30 08:00", "2026-02-27 08:00", "2026-03-27 08:00"],
        ),
        (
            CalendarIntervalTrigger(months=1, start_date="2020-01-31", hour=3, timezone=UTC),
            ["2026-01-31 03:00", "2026-03-31 03:00", "2026-05-31 03:00"],
        ),
        (DateTrigger(datetime(2026, 2, 1, tzinfo=UTC)), ["2026-02-01 00:00"]),
        (
            OrTrigger(
                [CronTrigger(hour=8, timezone=UTC), started(days=1, start_date=datetime(2026, 1, 1, tzinfo=UTC))]
            ),
            ["2026-01-30 08:00", "2026-01-31 00:00", "2026-01-31 08:00"],
        ),
        (
            AndTrigger(
                [
                    CronTrigger(day=13, hour=0, timezone=UTC),
                    CalendarIntervalTrigger(weeks=1, start_date="2026-01-02", timezone=UTC),
                ]
            ),
            ["2026-02-13 00:00", "2026-03-13 00:00", "2026-11-13 00:00"],
        ),
        (EveryHour(30), ["2026-01-30 07:30", "2026-01-30 08:30", "2026-01-30 09:30"]),
    ],
)
def test_a_trigger_is_due_when_it_says(value: object, dues: list[str]) -> None:
    assert shown(as_rule(value), "2026-01-30 07:00", 3) == dues


@pytest.mark.parametrize(
    "value",
    [
        started(minutes=7),
        started(minutes=7, start_date=datetime(2026, 1, 1, tzinfo=UTC), end_date=datetime(2027, 1, 1, tzinfo=UTC)),
        CronTrigger.from_crontab("*/5 1-3 * jan mon", timezone=BERLIN),
        CronTrigger(hour=3, start_date=datetime(2026, 1, 1, tzinfo=UTC), timezone=UTC),
        CronTrigger(week=10, timezone=BERLIN),
        CalendarIntervalTrigger(years=1, start_date="2020-02-29", hour=3, minute=5, second=7, timezone=BERLIN),
        DateTrigger(datetime(2026, 2, 1, tzinfo=BERLIN)),
        OrTrigger([started(hours=2), CronTrigger(hour=3, timezone=UTC)]),
        AndTrigger([CronTrigger(hour=3, timezone=UTC), CronTrigger(day_of_week="mon", hour=3, timezone=UTC)]),
    ],
)
def test_apschedulers_triggers_are_written_down_and_read_back(value: object) -> None:
    rule = as_rule(value)

    again = read_rule(rule.spec())

    assert again == rule
    assert shown(again, "2026-01-01 00:00:01", 20, span=10**15) == shown(rule, "2026-01-01 00:00:01", 20, span=10**15)


def test_an_interval_without_a_start_is_the_same_rule_however_often_the_program_starts() -> None:
    first, second = trigger(started(minutes=7)), trigger(started(minutes=7))
    anchor = instant("2026-01-01")

    assert first == second
    assert not first.runs_at_once
    assert first.next_after(anchor, anchor=anchor, zone=UTC) == instant("2026-01-01 00:07")


def test_a_long_interval_stays_exact_where_floats_would_not() -> None:
    start = datetime(2001, 1, 1, 0, 0, 0, tzinfo=UTC)
    rule = trigger(IntervalTrigger(seconds=1.1, start_date=start, timezone=BERLIN))

    due = rule.next_after(instant("2026-01-01"), anchor=0, zone=BERLIN)

    assert due is not None
    assert (due - instant("2001-01-01")) % 1_100_000 == 0


def test_the_day_a_calendar_trigger_counts_from_stays_whatever_was_asked_before() -> None:
    rule = trigger(CalendarIntervalTrigger(days=3, start_date="2026-01-01", timezone=UTC))
    late, early = instant("2026-06-01"), instant("2026-01-02")

    answers = [rule.next_after(after, anchor=0, zone=UTC) for after in (early, late, early, late)]

    assert answers == [instant("2026-01-04"), instant("2026-06-03")] * 2


@pytest.mark.parametrize(
    ("value", "start", "dues"),
    [
        # Asked itself, APScheduler's trigger misses the midnight after clocks were put forward.
        (CronTrigger(hour=0, timezone=BERLIN), "2026-03-28 12:00", ["2026-03-29 00:00", "2026-03-30 00:00"]),
        (CronTrigger(hour=2, minute=30, timezone=BERLIN), "2026-03-28 12:00", ["2026-03-29 03:00", "2026-03-30 02:30"]),
        (CronTrigger(hour=2, minute=30, timezone=BERLIN), "2026-10-24 12:00", ["2026-10-25 02:30", "2026-10-26 02:30"]),
        (CronTrigger(minute="*/30", timezone=BERLIN), "2026-10-25 02:15", ["2026-10-25 02:30", "2026-10-25 02:00"]),
        (
            CalendarIntervalTrigger(days=1, hour=2, minute=30, start_date="2026-03-01", timezone=BERLIN),
            "2026-03-28 12:00",
            ["2026-03-29 03:00", "2026-03-30 02:30"],
        ),
    ],
)
def test_a_trigger_of_the_wall_clock_meets_changes_as_all_rules_do(value: object, start: str, dues: list[str]) -> None:
    assert shown(as_rule(value), start, 2, BERLIN) == dues


def test_a_trigger_of_the_wall_clock_reads_its_own_zone() -> None:
    rule = trigger(CronTrigger(hour=12, timezone=BERLIN))

    assert rule.next_after(instant("2026-07-01"), anchor=0, zone=UTC) == instant("2026-07-01 10:00")


class OldZone(tzinfo):
    """What a zone of pytz looks like: it is wrong for a datetime that was not made by `localize`."""

    zone = "Europe/Berlin"

    def localize(self, when: datetime) -> datetime:
        return when.replace(tzinfo=BERLIN)

    def tzname(self, when: datetime | None) -> str:
        return "LMT"

    def utcoffset(self, when: datetime | None) -> timedelta:
        return timedelta(minutes=53)

    def dst(self, when: datetime | None) -> timedelta:
        return timedelta(0)


def test_a_zone_of_pytz_is_read_as_the_zone_of_its_name() -> None:
    rule = trigger(CronTrigger(hour=12, timezone=OldZone()))

    assert rule.next_after(instant("2026-07-01"), anchor=0, zone=UTC) == instant("2026-07-01 10:00")
    assert rule.spec()["timezone"] == "Europe/Berlin"


def test_an_interval_tells_its_start_and_end_in_words() -> None:
    value = started(hours=5, start_date=datetime(2026, 1, 1, tzinfo=UTC), end_date=datetime(2026, 2, 1, tzinfo=UTC))

    assert as_rule(value).words() == "every 5 hours, from 2026-01-01 00:00:00 UTC on, until 2026-02-01 00:00:00 UTC"
    assert as_rule(started(hours=5)).words() == "every 5 hours"
    assert as_rule(CronTrigger(hour=3, timezone=BERLIN)).words() == "cron[hour='3'] in Europe/Berlin"


def test_a_cron_trigger_keeps_within_its_start_and_end() -> None:
    start, end = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, 3, tzinfo=UTC)
    rule = trigger(CronTrigger(hour=3, start_date=start, end_date=end, timezone=UTC))

    assert shown(rule, "2026-01-01", 9) == ["2026-02-01 03:00", "2026-02-02 03:00"]


def test_an_own_trigger_works_but_cannot_be_written_down() -> None:
    rule = trigger(EveryHour())

    with pytest.raises(ScheduleError, match=r"cannot be written down.*in the configuration"):
        rule.spec()


def test_an_own_trigger_is_told_apart_by_its_class_and_attributes() -> None:
    assert trigger(EveryHour(5)) == trigger(EveryHour(5))
    assert trigger(EveryHour(5)) != trigger(EveryHour(6))
    assert "0x" not in trigger(EveryHour(5)).fingerprint() + trigger(EveryHour(5)).words()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (IntervalTrigger(seconds=5, jitter=3), "give the schedule jitter= instead"),
        (OrTrigger([started(hours=1), CronTrigger(hour=1, jitter=2)]), "give the schedule jitter= instead"),
        (object(), "no method get_next_fire_time"),
    ],
)
def test_what_cannot_serve_is_refused(value: object, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        trigger(value)


def test_a_zone_without_a_name_cannot_be_written_down() -> None:
    rule = trigger(CronTrigger(hour=1, timezone=timezone(timedelta(hours=3))))

    with pytest.raises(ScheduleError, match="its zone has no name"):
        rule.spec()


@pytest.mark.parametrize(("value", "reason"), [(Stuck(), "never gets past"), (Naive(), "aware datetime")])
def test_a_trigger_that_answers_nonsense_is_an_error_not_a_hang(value: object, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        trigger(value).next_after(instant("2026-01-01"), anchor=0, zone=UTC)


def test_a_date_becomes_a_single_instant() -> None:
    assert isinstance(trigger(DateTrigger(datetime(2026, 2, 1, tzinfo=UTC))), Once)
