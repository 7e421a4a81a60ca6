from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localq.model.clock import to_datetime
from localq.schedules import ScheduleError, as_rule, cron
from tests.unit.schedules.rules.instants import UTC, instant, shown


@pytest.mark.parametrize(
    ("text", "dues"),
    [
        ("@hourly", ["2026-01-01 01:00", "2026-01-01 02:00"]),
        ("@daily", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("@Weekly", ["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("@monthly", ["2026-02-01 00:00", "2026-03-01 00:00"]),
        ("@yearly", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("*/5  *\t* * *", ["2026-01-01 00:05", "2026-01-01 00:10"]),
        ("0 0 * * 0", ["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("0 0 * * 7", ["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("0 0 * * fri-mon", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("0 0 L * *", ["2026-01-31 00:00", "2026-02-28 00:00"]),
        ("0 0 * * L5", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("0 0 * * 5#3", ["2026-01-16 00:00", "2026-02-20 00:00"]),
        ("0 0 1W * *", ["2026-02-02 00:00", "2026-03-02 00:00"]),
        ("0 0 15W * *", ["2026-01-15 00:00", "2026-02-16 00:00"]),
        ("0 0 ? * mon", ["2026-01-05 00:00", "2026-01-12 00:00"]),
        ("0 0 13 * 5", ["2026-01-02 00:00", "2026-01-09 00:00"]),
        ("0 0 13 * 5#2", ["2026-01-09 00:00", "2026-01-13 00:00"]),
        ("0 0 3W * L5", ["2026-01-02 00:00", "2026-01-30 00:00"]),
        ("0 0 30 2 0", ["2026-02-01 00:00", "2026-02-08 00:00"]),
        ("0 0 * * * */20", ["2026-01-01 00:00:20", "2026-01-01 00:00:40"]),
        ("59/15 * * * *", ["2026-01-01 00:59", "2026-01-01 01:59"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 12 1 1 * 30 2030", ["2030-01-01 12:00:30"]),
        ("0 0 1 1 * 0 2020", []),
    ],
)
def test_an_expression_is_due_when_cron_would_run_it(text: str, dues: list[str]) -> None:
    assert shown(cron(text), "2026-01-01", 2) == dues


def test_seconds_can_come_first() -> None:
    rule = cron("30 0 12 * * mon", seconds_first=True)

    assert shown(rule, "2026-01-01", 1) == ["2026-01-05 12:00:30"]
    assert rule != cron("30 0 12 * *")
    assert cron("0 12 * * *", seconds_first=True) == cron("0 12 * * *")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("99 * * * *", "the minute '99' is not acceptable, out of range; a minute is 0 to 59"),
        ("* 5-30 * * *", "the hour '5-30' is out of range; an hour is 0 to 23"),
        ("* * * foo *", "the month 'foo' is not acceptable; a month is 1 to 12, or jan to dec"),
    ],
)
def test_the_reason_names_the_field_and_what_it_takes(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        cron(text)

    assert str(caught.value) == f"Cron expression {text!r}: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 fields"),
        (5, "must be a text"),
        ("* * * *", "has 4 fields"),
        ("61 * * * *", "out of range"),
        ("*/0 * * * *", "not acceptable"),
        ("0 0 30 2 *", "never matches"),
        ("0 0 31 4,6 *", "never matches"),
        ("0 0 99 * 1", "out of range"),
        ("0 0 * * 1#6", "Invalid day_of_week"),
        ("@dayly", "Did you mean '@daily'"),
        ("@reboot", "add a job when it starts"),
        ("R * * * *", "use H"),
        ("H * * * *", "give hash_key="),
        ("rubbish", "has 1 field:"),
        ("a b c d e", "not acceptable"),
    ],
)
def test_an_expression_that_cannot_be_is_refused_with_the_text_and_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        cron(text)

    assert repr(text) in str(caught.value)
    assert reason in str(caught.value)


def test_h_is_drawn_from_the_name_and_stays() -> None:
    names = [f"report {n}" for n in range(50)]
    first = {name: shown(cron("H H(0-5) * * *", hash_key=name), "2026-01-01", 1) for name in names}

    assert first == {name: shown(cron("H H(0-5) * * *", hash_key=name), "2026-01-01", 1) for name in names}
    assert len({str(due) for due in first.values()}) > 30
    assert as_rule("H * * * *", hash_key="a") == cron("H * * * *", hash_key="a")


def test_a_name_changes_nothing_for_an_expression_without_h() -> None:
    assert cron("@daily", hash_key="a") == cron("@daily") == as_rule("@daily", hash_key="b")
    assert cron("0 0 * * thu", hash_key="a") == cron("0 0 * * thu")


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("30 2 * * *", False),
        ("0,30 1-4 * * *", False),
        ("0-58 2 * * *", False),
        ("0 1-23/2 * * *", False),
        ("30 2 * * * *", False),
        ("* 2 * * *", True),
        ("*/20 2 * * *", True),
        ("0 */2 * * *", True),
        ("0 0-23 * * *", True),
        ("0 0-11,12-23 * * *", True),
    ],
)
def test_a_wildcard_in_minute_or_hour_makes_a_rule_follow_real_time(text: str, real: bool) -> None:
    assert cron(text).follows_real_time is real


def test_a_hashed_step_is_a_wildcard_and_a_hashed_value_is_none() -> None:
    assert cron("H/20 2 * * *", hash_key="a").follows_real_time
    assert not cron("H H * * *", hash_key="a").follows_real_time


def last_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def nearest_weekday(day: date, number: int) -> int:
    weekdays = [n for n in range(1, last_of_month(day) + 1) if day.replace(day=n).isoweekday() < 6]
    wanted = min(number, last_of_month(day))
    return min(weekdays, key=lambda n: (abs(n - wanted), n))


DayTest = tuple[str, Callable[[date], bool]]
numbers = st.integers(1, 31)
month_days: st.SearchStrategy[DayTest] = st.one_of(
    st.sets(numbers, min_size=1, max_size=3).map(lambda n: (",".join(map(str, n)), lambda day: day.day in n)),
    st.just(("L", lambda day: day.day == last_of_month(day))),
    numbers.map(lambda n: (f"{n},L", lambda day: day.day in (n, last_of_month(day)))),
    numbers.map(lambda n: (f"{n}W", lambda day: day.day == nearest_weekday(day, n))),
    st.integers(2, 9).map(lambda n: (f"*/{n}", lambda day: day.day % n == 1)),
)
weekdays = st.integers(0, 6)
week_days: st.SearchStrategy[DayTest] = st.one_of(
    st.sets(weekdays, min_size=1, max_size=2).map(
        lambda n: (",".join(map(str, n)), lambda day: day.isoweekday() % 7 in n)
    ),
    st.tuples(weekdays, st.integers(1, 5)).map(
        lambda n: (f"{n[0]}#{n[1]}", lambda day: (day.isoweekday() % 7, (day.day + 6) // 7) == n)
    ),
    weekdays.map(
        lambda n: (f"L{n}", lambda day: day.isoweekday() % 7 == n and day.day + 7 > last_of_month(day)),
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    month_day=month_days,
    week_day=week_days,
    months=st.sets(st.integers(1, 12), min_size=1, max_size=3) | st.just(set(range(1, 13))),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)),
)
def test_one_matching_day_field_is_enough_whatever_signs_the_fields_hold(
    month_day: DayTest, week_day: DayTest, months: set[int], start: datetime
) -> None:
    rule = cron(f"15 6 {month_day[0]} {','.join(map(str, months))} {week_day[0]}")

    due = rule.next_after(instant(start.isoformat()), anchor=0, zone=UTC)

    day = start.replace(hour=6, minute=15, second=0, microsecond=0)
    while day <= start or day.month not in months or not (month_day[1](day) or week_day[1](day)):
        day += timedelta(days=1)
    assert due is not None
    assert to_datetime(due).replace(tzinfo=None) == day


@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_special_days_are_those_of_the_calendar(year: int) -> None:
    every_month = [calendar.Calendar().itermonthdates(year, month) for month in range(1, 13)]
    months = [[d for d in days if d.month == n] for n, days in enumerate(every_month, 1)]

    def dues(text: str) -> list[date]:
        return [date.fromisoformat(due[:10]) for due in shown(cron(text), f"{year - 1}-12-31 12:00", 12)]

    assert dues("0 0 L * *") == [days[-1] for days in months]
    assert dues("0 0 * * 2#2") == [[d for d in days if d.isoweekday() == 2][1] for days in months]
    assert dues("0 0 * * L2") == [[d for d in days if d.isoweekday() == 2][-1] for days in months]
    assert dues("0 0 31W * *") == [max(d for d in days if d.isoweekday() < 6) for days in months]
