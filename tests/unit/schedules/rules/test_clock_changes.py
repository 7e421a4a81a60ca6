"""What crontabs do when clocks change, against a walk over every minute around every change of seven years."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from localq.model.clock import from_datetime, to_datetime
from localq.schedules import Rule, between, cron, crontab, every
from tests.unit.schedules.rules.walker import Fields, Stretch, changes

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Godthab",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/Scoresbysund",
    "America/St_Johns",
    "Asia/Almaty",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "Antarctica/Troll",
]
#: Half an hour, a whole day, midnight, a winter that is summer, and what most have: enough for a quick look.
TELLING = {
    "Africa/Casablanca",
    "America/Havana",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
}

#: Hours of a clock that every one of these zones' changes falls into or beside.
NIGHT = frozenset({0, 1, 2, 3})

FIXED = [
    (crontab(30, 2), Fields(frozenset({30}), frozenset({2}))),
    (crontab(0, 0), Fields(frozenset({0}), frozenset({0}))),
    (crontab("5,15,50", "0-3,23"), Fields(frozenset({5, 15, 50}), NIGHT | {23})),
    (cron("30 1 * * sun"), Fields(frozenset({30}), frozenset({1}), weekday=frozenset({0}))),
    (cron("0-58 2 * * *"), Fields(frozenset(range(59)), frozenset({2}))),
]
REAL = [
    (crontab("*/20"), Fields(frozenset({0, 20, 40}))),
    (crontab(15), Fields(frozenset({15}))),
    (crontab("*/15", "1,2"), Fields(frozenset({0, 15, 30, 45}), frozenset({1, 2}))),
    (cron("7 */2 * * *"), Fields(frozenset({7}), frozenset(range(0, 24, 2)))),
    (cron("0-59 2 * * *"), Fields(hour=frozenset({2}))),
]


def due(rule: Rule, stretch: Stretch, zone: ZoneInfo) -> list[datetime]:
    start, end = from_datetime(stretch.minutes[0]), from_datetime(stretch.minutes[-1])
    return [to_datetime(i) for i in between(rule, start - 1, end, anchor=start, zone=zone, most=10_000)]


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in TELLING else [pytest.mark.slow]) for one in ZONES]
)
def test_every_change_of_a_zone_is_met_as_the_minute_walker_says(name: str) -> None:
    zone = ZoneInfo(name)
    for change in changes(zone, 2024, 2030):
        stretch = Stretch(change, zone)
        for rule, fields in FIXED:
            assert due(rule, stretch, zone) == stretch.fixed_times(fields), f"{rule!r} at {change} in {name}"
        for rule, fields in REAL:
            assert due(rule, stretch, zone) == stretch.real_time(fields), f"{rule!r} at {change} in {name}"


def test_the_walker_meets_changes_in_most_zones() -> None:
    met = {name: len(changes(ZoneInfo(name), 2024, 2030)) for name in ZONES}

    assert len(met) >= 20
    assert met["Europe/Berlin"] == met["Australia/Lord_Howe"] == 14
    assert met["Africa/Casablanca"] >= 14
    assert met["Pacific/Apia"] == 0  # it gave summer time up in 2021; its lost day is tested below


def test_a_day_that_a_zone_left_out_puts_its_fixed_times_off_to_the_next_and_keeps_real_time() -> None:
    zone = ZoneInfo("Pacific/Apia")
    change = datetime(2011, 12, 30, 10, tzinfo=UTC)  # the end of December 29 was followed by December 31
    stretch = Stretch(change, zone)

    for rule, fields in FIXED:
        assert due(rule, stretch, zone) == stretch.fixed_times(fields), repr(rule)
    for rule, fields in REAL:
        assert due(rule, stretch, zone) == stretch.real_time(fields), repr(rule)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_an_interval_takes_no_notice_of_clocks(name: str) -> None:
    zone = ZoneInfo(name)
    start = from_datetime(datetime(2026, 1, 1, tzinfo=UTC))

    dues = between(every(6, "hours"), start, start + 366 * 86_400_000_000, anchor=start, zone=zone, most=9_999)

    assert {later - earlier for earlier, later in pairwise(dues)} == {6 * 3_600_000_000}


def shown(rule: Rule, start: datetime, zone: str, most: int) -> list[str]:
    begin = from_datetime(start)
    dues = between(rule, begin, begin + 10**15, anchor=begin, zone=ZoneInfo(zone), most=most)
    return [to_datetime(instant).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for instant in dues]


def test_half_past_two_in_a_gap_is_three_o_clock_and_only_once() -> None:
    assert shown(crontab(30, 2), datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Berlin", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_half_past_two_in_a_repeated_hour_is_the_first_one() -> None:
    assert shown(crontab(30, 2), datetime(2026, 10, 24, 12, tzinfo=UTC), "Europe/Berlin", 2) == [
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_every_half_hour_runs_through_a_repeated_hour() -> None:
    assert shown(crontab("*/30"), datetime(2026, 10, 24, 23, 45, tzinfo=UTC), "Europe/Berlin", 5) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:00+01:00",
    ]
