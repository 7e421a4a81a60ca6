"""`is_due` and `remaining_estimate`, which programs written for Celery ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from localq import LocalQ, current
from localq.exceptions import ScheduleError
from localq.schedules import BaseSchedule, as_rule, crontab, schedstate, schedule, solar
from localq.testing import FakeClock
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


@pytest.fixture
def berlin(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ("berlin", path=tmp_path / "jobs.db", timezone="Europe/Berlin")
    app.clock = FakeClock(NOON)
    current.set_app(None)
    yield app
    current.set_app(None)


def test_the_zone_and_the_clock_of_its_app_are_those_that_count(berlin: LocalQ) -> None:
    rule = crontab(minute=0, hour=15, app=berlin)

    assert rule.now() == NOON
    # In Berlin it is 14:00, wherever the last run was written down.
    assert rule.remaining_estimate(NOON - timedelta(hours=1)) == timedelta(hours=1)
    assert rule.remaining_estimate(NOON.astimezone(ZoneInfo("Asia/Tokyo"))) == timedelta(hours=1)
    assert rule.is_due(NOON - timedelta(days=1)) == (True, 3600.0)
    assert schedule(30, app=berlin).is_due(NOON - timedelta(seconds=10)) == (False, 20.0)
    assert solar("solar_noon", 0, 0, app=berlin).app is berlin


def test_without_an_app_of_its_own_the_current_one_is_asked(berlin: LocalQ) -> None:
    rule = crontab(minute=0, hour=15)
    current.set_app(berlin)

    assert rule.app is berlin
    assert rule.remaining_estimate(NOON - timedelta(hours=1)) == timedelta(hours=1)


def test_what_answers_for_itself_becomes_a_rule_that_is_asked() -> None:
    class Mine(crontab):
        def is_due(self, last_run_at: datetime) -> schedstate:
            return schedstate(False, 1e9)

    class Estimates(schedule):
        def remaining_estimate(self, last_run_at: datetime) -> timedelta:
            return timedelta(seconds=0.01)

    class Foreign:
        def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
            return True, 0

    assert as_rule(Mine()) == as_rule(Mine()) != as_rule(Mine(minute=1))
    assert as_rule(Mine()).words() == f"when {Mine.__module__}.{Mine.__qualname__} says so"
    assert [as_rule(one).ask(NOON) for one in (Mine(), Estimates(30), Foreign())] == [  # type: ignore[attr-defined]
        (False, 300.0), (False, 1.0), (True, 1.0),
    ]  # fmt: skip
    assert isinstance(as_rule(crontab()), crontab)


def test_a_schedule_with_is_due_alone_cannot_tell_its_times() -> None:
    class WhenDirty(BaseSchedule):
        def is_due(self, last_run_at: datetime) -> schedstate:
            return schedstate(True, 60)

    with pytest.raises(ScheduleError, match="only it can tell"):
        WhenDirty().remaining_estimate(NOON)


def test_a_schedule_that_only_its_program_knows_is_equal_to_itself_alone() -> None:
    class WhenDirty(BaseSchedule):
        def is_due(self, last_run_at: datetime) -> schedstate:
            return schedstate(True, 60)

    one, other = WhenDirty(), WhenDirty()

    assert one == one
    assert one != other
    assert one != crontab()
    assert len({one, other}) == 2


def test_a_schedule_has_the_zone_of_its_app_or_one_of_its_own() -> None:
    berlin = LocalQ("berlin", path=":memory:", timezone="Europe/Berlin", set_as_current=False)
    rule = crontab(minute=0, hour=15, app=berlin, nowfun=noon)
    own = crontab(minute=0, hour=15, nowfun=noon)
    own.tz = ZoneInfo("Asia/Tokyo")

    assert rule.tz == ZoneInfo("Europe/Berlin")
    assert (rule.remaining_estimate(NOON), own.remaining_estimate(NOON)) == (timedelta(hours=1), timedelta(hours=18))
    assert rule.remaining_delta(NOON, tz="UTC") == (NOON, timedelta(hours=3), NOON)
    assert rule.utc_enabled
    assert rule.to_local(NOON) is NOON
    assert rule.maybe_make_aware(datetime(2026, 6, 1, 12)) == NOON
    assert rule.maybe_make_aware(datetime(2026, 6, 1, 12), naive_as_utc=False) == NOON - timedelta(hours=2)
    assert rule.maybe_make_aware(NOON) is NOON


def test_where_utc_is_not_enabled_times_are_shown_in_the_machine_s_zone() -> None:
    rule = schedule(30, app=LocalQ("local", path=":memory:", enable_utc=False, set_as_current=False))

    assert not rule.utc_enabled
    assert rule.to_local(NOON) == NOON
    assert rule.to_local(NOON).tzinfo == NOON.astimezone().tzinfo
