from __future__ import annotations

from datetime import date, time

import pytest

from localq.schedules import Calendar, ScheduleError, calendar
from tests.unit.schedules.rules.instants import BERLIN, instant, shown


@pytest.mark.parametrize(
    ("rule", "dues"),
    [
        (calendar(months=1, day=31), ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        (
            calendar(months=1, day=31, short_month="skip"),
            ["2026-01-31 00:00", "2026-03-31 00:00", "2026-05-31 00:00"],
        ),
        (calendar(months=3, at="07:30"), ["2026-04-15 07:30", "2026-07-15 07:30", "2026-10-15 07:30"]),
        (calendar(days=3, at=time(9)), ["2026-01-18 09:00", "2026-01-21 09:00", "2026-01-24 09:00"]),
        (calendar(weeks=2, start="2026-01-05"), ["2026-01-19 00:00", "2026-02-02 00:00", "2026-02-16 00:00"]),
        (
            calendar(years=1, start=date(2024, 2, 29)),
            ["2026-02-28 00:00", "2027-02-28 00:00", "2028-02-29 00:00"],
        ),
        (
            calendar(years=1, start=date(2024, 2, 29), short_month="skip"),
            ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"],
        ),
        (calendar(months=1, start="2026-03-10"), ["2026-03-10 00:00", "2026-04-10 00:00", "2026-05-10 00:00"]),
        (
            calendar(months=1, day=5, start="2026-03-10"),
            ["2026-04-05 00:00", "2026-05-05 00:00", "2026-06-05 00:00"],
        ),
        (calendar(weeks=1, days=1, start="2026-03-01"), ["2026-03-01 00:00", "2026-03-09 00:00", "2026-03-17 00:00"]),
    ],
)
def test_lengths_of_the_calendar_count_from_the_start_or_the_anchor(rule: Calendar, dues: list[str]) -> None:
    assert shown(rule, "2026-01-15 12:00", 3) == dues


def test_the_time_of_the_day_stays_when_clocks_change() -> None:
    assert shown(calendar(days=1, at="12:00"), "2026-03-28 13:00", 2, BERLIN) == [
        "2026-03-29 12:00",
        "2026-03-30 12:00",
    ]


def test_a_time_in_a_gap_is_due_right_after_it_and_a_repeated_one_once() -> None:
    rule = calendar(days=1, at="02:30")

    assert shown(rule, "2026-03-28 12:00", 2, BERLIN) == ["2026-03-29 03:00", "2026-03-30 02:30"]
    assert shown(rule, "2026-10-24 12:00", 2, BERLIN) == ["2026-10-25 02:30", "2026-10-26 02:30"]


def test_it_is_first_due_at_its_next_time_not_at_once() -> None:
    assert not calendar(days=1).runs_at_once
    assert calendar(days=1, at="06:00").next_after(
        instant("2026-01-01 05:00"), anchor=instant("2026-01-01 05:00"), zone=BERLIN
    ) == instant("2026-01-02 05:00")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "needs a length"),
        ({"months": 1, "days": 1}, "needs a length"),
        ({"months": -1}, "months=-1"),
        ({"days": 1.5}, r"days=1\.5"),
        ({"months": 1, "day": 32}, "day=32"),
        ({"days": 1, "day": 3}, "goes with months only"),
        ({"days": 1, "at": "25:00"}, "at='25:00'"),
        ({"days": 1, "at": 7}, "at=7"),
        ({"days": 1, "start": "2026-02-30"}, "start='2026-02-30'"),
        ({"months": 1, "short_month": "clamp"}, "'last' or 'skip'"),
        ({"years": 1, "day": 30, "start": "2026-02-01", "short_month": "skip"}, "never matches"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        calendar(**fields)
