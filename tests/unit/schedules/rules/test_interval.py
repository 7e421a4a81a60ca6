from __future__ import annotations

import math
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from localq.schedules import ScheduleError, as_rule, every, schedule
from tests.unit.schedules.rules.instants import BERLIN, UTC, instant, shown


def test_an_interval_counts_from_the_anchor_and_is_due_there_first() -> None:
    rule = every(30, "seconds")
    anchor = instant("2026-01-01 00:00:07")

    assert rule.runs_at_once
    assert rule.next_after(anchor - 1, anchor=anchor, zone=UTC) == anchor
    assert rule.next_after(anchor, anchor=anchor, zone=UTC) == anchor + 30_000_000
    assert rule.next_after(anchor + 95_000_001, anchor=anchor, zone=UTC) == anchor + 120_000_000


def test_seconds_timedeltas_texts_and_units_mean_the_same_interval() -> None:
    same = [
        90,
        90.0,
        timedelta(seconds=90),
        "every 90 seconds",
        "every 1.5 minutes",
        "@every 90s",
        every(1.5, "minute"),
    ]

    assert {as_rule(value) for value in same} == {schedule(90)}


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    assert every(0.1).micros == 100_000
    assert as_rule(1e-6).next_after(10, anchor=3, zone=UTC) == 11


@pytest.mark.parametrize(
    "value", [0, -1, 1e-7, math.inf, math.nan, 10**400, True, "5", timedelta(0), timedelta(days=99_999)]
)
def test_what_is_no_length_of_time_is_refused_with_the_value(value: object) -> None:
    with pytest.raises(ScheduleError, match=r"An interval is "):
        schedule(value)  # type: ignore[arg-type]


def test_an_interval_beyond_a_century_is_refused_in_any_unit() -> None:
    for number, unit in ((10**400, "seconds"), (1e300, "weeks"), (5220, "weeks")):
        with pytest.raises(ScheduleError, match="at most a century"):
            every(number, unit)


@pytest.mark.parametrize(
    ("unit", "hint"), [("months", r"calendar\(months="), ("year", r"calendar\(years="), ("secnds", "mean 'seconds'")]
)
def test_a_unit_without_a_length_is_refused_with_what_to_use(unit: str, hint: str) -> None:
    with pytest.raises(ScheduleError, match=hint):
        every(2, unit)


def test_a_day_is_twenty_four_hours_whatever_clocks_do() -> None:
    assert shown(every(1, "day"), "2026-03-28 12:00", 2, BERLIN) == ["2026-03-29 13:00", "2026-03-30 13:00"]


@pytest.mark.parametrize(
    ("rule", "start", "dues"),
    [
        (every(1, "day", relative=True), "2026-03-28 12:20", ["2026-03-29 00:00", "2026-03-30 00:00"]),
        (every(2, "days", relative=True), "2026-03-28 12:20", ["2026-03-30 00:00", "2026-04-01 00:00"]),
        (every(1, "hour", relative=True), "2026-01-01 12:20", ["2026-01-01 13:00", "2026-01-01 14:00"]),
        (every(2, "hours", relative=True), "2026-01-01 12:20", ["2026-01-01 14:00", "2026-01-01 16:00"]),
        (every(5, "minutes", relative=True), "2026-01-01 12:20:40", ["2026-01-01 12:25", "2026-01-01 12:30"]),
        (every(20, relative=True), "2026-01-01 12:20:00.5", ["2026-01-01 12:20:20", "2026-01-01 12:20:40"]),
        (every(90, "minutes", relative=True), "2026-01-01 12:20", ["2026-01-01 13:00", "2026-01-01 14:00"]),
    ],
)
def test_a_relative_interval_lies_on_round_units_of_the_zones_clock(
    rule: schedule, start: str, dues: list[str]
) -> None:
    assert shown(rule, start, 2, BERLIN) == dues


def test_a_relative_hour_is_round_again_after_a_clock_moved_by_half_an_hour() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")

    assert shown(every(1, "hour", relative=True), "2026-04-05 00:10", 3, zone) == [
        "2026-04-05 01:00",
        "2026-04-05 02:00",
        "2026-04-05 03:00",
    ]


def test_nothing_is_due_after_the_end_of_time() -> None:
    assert every(36_000, "days").next_after(2**57, anchor=2**57 - 1, zone=UTC) == 2**57 - 1 + 36_000 * 86_400_000_000
    assert every(36_000, "days").next_after(221_845_391_999_999_999, anchor=0, zone=UTC) is None
