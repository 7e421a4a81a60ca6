from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localq.model.clock import to_datetime
from localq.schedules import ParseException, ScheduleError, crontab, crontab_parser
from tests.unit.schedules.rules.instants import BERLIN, UTC, instant, shown
from tests.unit.schedules.rules.walker import Fields


@pytest.mark.parametrize(
    ("size", "low", "text", "numbers"),
    [
        (60, 0, "*/15", {0, 15, 30, 45}),
        (60, 0, "1,13,30-32,50-59/2", {1, 13, 30, 31, 32, 50, 52, 54, 56, 58}),
        (24, 0, "22-3", {22, 23, 0, 1, 2, 3}),
        (24, 0, "20-4/3", {20, 23, 2}),
        (7, 0, "sat-mon", {6, 0, 1}),
        (7, 0, "thu,Friday", {4, 5}),
        (31, 1, "*/10", {1, 11, 21, 31}),
        (12, 1, "nov-feb", {11, 12, 1, 2}),
        (12, 1, "2-12/5", {2, 7, 12}),
        (24, 0, "5-5", {5}),
    ],
)
def test_a_field_names_the_numbers_celery_reads_in_it(size: int, low: int, text: str, numbers: set[int]) -> None:
    assert crontab_parser(size, low).parse(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "1,,2", "5/10", "*/0", "*/", "60", "-1", "a-b", "1-", "monkey", "L", "5#3", "1.5"]
)
def test_a_field_that_celery_refuses_is_refused(text: str) -> None:
    with pytest.raises(ParseException):
        crontab_parser(60).parse(text)


@pytest.mark.parametrize("text", ["0 0 31 2", "0 0 * * *", "30 7 * * mon-fri"])
def test_cron_s_fields_in_the_place_of_one_are_told_where_they_go(text: str) -> None:
    with pytest.raises(ParseException) as refused:
        crontab(text)

    assert str(refused.value) == (
        f"crontab(minute={text!r}): blanks stand in it, and this is one field alone; for cron's five fields in one "
        "text use crontab.from_string(...) or cron(...)"
    )


def test_blanks_beside_commas_are_left_out() -> None:
    assert crontab("0, 15, 30").minute == {0, 15, 30}


def test_seven_is_no_day_and_the_error_says_what_sunday_is() -> None:
    with pytest.raises(ValueError, match=r"day_of_week.*'7' has 7: it must be from 0 to 6\. Sunday is 0 here"):
        crontab(day_of_week=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"day_of_month": 30, "month_of_year": 2},
        {"day_of_month": 31, "month_of_year": "4,6,sep"},
        {"minute": True},
        {"hour": 1.5},
        {"hour": []},
        {"month_of_year": 0},
    ],
)
def test_what_can_never_be_due_is_refused_with_the_field(fields: dict[str, object]) -> None:
    with pytest.raises(ScheduleError, match=next(iter(fields))):
        crontab(**fields)


def test_numbers_texts_sets_and_lists_mean_the_same() -> None:
    assert crontab({0, 30}, "6", ["mon", 2]).minute == crontab("0,30").minute == {0, 30}
    assert crontab({30, 0}) == crontab([0, 30]) == crontab("0,30")
    assert crontab(hour=None) == crontab()


def test_the_order_of_arguments_is_celerys_and_that_of_a_string_is_crons() -> None:
    rule = crontab(30, 7, 1, 5, 12)

    assert (rule.minute, rule.hour, rule.day_of_week, rule.day_of_month, rule.month_of_year) == (
        {30},
        {7},
        {1},
        {5},
        {12},
    )
    assert crontab.from_string("30 7 5 12 1") == rule


@pytest.mark.parametrize("text", ["* * * *", "* * * * * *", "@daily"])
def test_a_string_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError, match="minute, hour, day of the month"):
        crontab.from_string(text)


def test_both_day_fields_must_match() -> None:
    assert shown(crontab(0, 0, day_of_week=5, day_of_month=13), "2026-01-01", 3) == [
        "2026-02-13 00:00",
        "2026-03-13 00:00",
        "2026-11-13 00:00",
    ]


def test_the_first_monday_of_a_month_is_said_by_both_day_fields() -> None:
    rule = crontab(0, 9, day_of_week="mon", day_of_month="1-7")

    assert shown(rule, "2026-01-01", 3) == ["2026-01-05 09:00", "2026-02-02 09:00", "2026-03-02 09:00"]


def test_a_leap_day_that_is_a_monday_is_found_decades_ahead() -> None:
    rule = crontab(0, 0, day_of_week=1, day_of_month=29, month_of_year=2)

    assert shown(rule, "2026-01-01", 2) == ["2044-02-29 00:00", "2072-02-29 00:00"]


def test_a_due_minute_is_not_its_own_successor() -> None:
    rule = crontab(30, 7)
    due = instant("2026-01-01 07:30")

    assert rule.next_after(due - 1, anchor=0, zone=UTC) == due
    assert rule.next_after(due, anchor=0, zone=UTC) == instant("2026-01-02 07:30")


def test_the_clock_of_the_zone_is_read() -> None:
    assert crontab(0, 12).next_after(instant("2026-07-01"), anchor=0, zone=BERLIN) == instant("2026-07-01 10:00")


def subset(low: int, high: int, most: int) -> st.SearchStrategy[frozenset[int]]:
    some = st.frozensets(st.integers(low, high), min_size=1, max_size=most)
    return some | st.just(frozenset(range(low, high + 1)))


fields = st.builds(Fields, subset(0, 59, 4), subset(0, 23, 4), subset(1, 28, 6), subset(1, 12, 4), subset(0, 6, 3))


def looked_up(wanted: Fields, after: datetime) -> datetime:
    """Return the next match by looking at day after day."""
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        times = (day.replace(hour=hour, minute=minute) for hour in wanted.hour for minute in wanted.minute)
        if (
            day.day in wanted.day
            and day.month in wanted.month
            and day.isoweekday() % 7 in wanted.weekday
            and (later := [time for time in times if time > after])
        ):
            return min(later)
        day += timedelta(days=1)


@settings(max_examples=150, deadline=None)
@given(wanted=fields, start=st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)))
def test_any_crontab_finds_what_a_look_at_each_day_finds(wanted: Fields, start: datetime) -> None:
    rule = crontab(wanted.minute, wanted.hour, wanted.weekday, wanted.day, wanted.month)
    after = instant(start.isoformat())

    for _ in range(3):
        due = rule.next_after(after, anchor=0, zone=UTC)
        assert due is not None
        assert to_datetime(due) == looked_up(wanted, to_datetime(after))
        after = due
