"""`is_due` and `remaining_estimate`, which programs written for Celery ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localq.schedules import crontab, schedstate, schedule, solar
from tests.unit.schedules.rules.instants import BERLIN

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def noon() -> datetime:
    return NOON


@pytest.mark.parametrize(
    ("ago", "answer"),
    [(10, schedstate(False, 20.0)), (30, schedstate(True, 30.0)), (100, schedstate(True, 30.0))],
)
def test_an_interval_is_due_when_it_has_passed_since_the_last_run(ago: int, answer: schedstate) -> None:
    assert schedule(30, nowfun=noon).is_due(NOON - timedelta(seconds=ago)) == answer


def test_a_crontab_is_due_once_however_many_runs_were_missed() -> None:
    rule = crontab(minute="*/15", nowfun=noon)

    assert rule.is_due(NOON - timedelta(days=3)) == (True, 900.0)
    assert rule.is_due(NOON) == (False, 900.0)


def test_the_estimate_is_negative_when_the_time_has_passed() -> None:
    rule = crontab(minute=30, hour=11, nowfun=noon)

    assert rule.remaining_estimate(NOON - timedelta(hours=1)) == timedelta(minutes=-30)
    assert rule.remaining_estimate(NOON) == timedelta(hours=23, minutes=30)


def test_the_zone_of_the_last_run_is_the_one_whose_clock_is_read() -> None:
    rule = crontab(minute=0, hour=15, nowfun=noon)

    assert rule.remaining_estimate(NOON.astimezone(BERLIN)) == timedelta(hours=1)
    assert rule.remaining_estimate(NOON) == timedelta(hours=3)


def test_naive_times_are_utc() -> None:
    rule = schedule(60, nowfun=lambda: NOON.replace(tzinfo=None))

    assert rule.is_due(NOON.replace(tzinfo=None) - timedelta(seconds=45)) == (False, 15.0)


def test_a_relative_interval_is_next_due_on_the_round_unit() -> None:
    rule = schedule(3600, relative=True, nowfun=lambda: NOON.replace(minute=20))

    assert rule.is_due(NOON.replace(hour=10)) == (True, 2400.0)


def test_without_nowfun_the_systems_clock_is_asked() -> None:
    due = crontab().is_due(datetime(2020, 1, 1, tzinfo=UTC))

    assert due.is_due
    assert 0 < due.next <= 60


def test_what_is_not_due_for_a_year_is_asked_again_then() -> None:
    assert solar("sunrise", 90, 0, nowfun=noon).is_due(NOON) == (False, 366 * 86400.0)
