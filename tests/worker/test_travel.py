"""`localq.testing`: days pass in a moment, on the scheduler's and the engine's own code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localq import LocalQ, current
from localq.exceptions import ScheduleError
from localq.schedules import crontab
from localq.testing import FakeClock, travel

START = datetime(2026, 3, 28, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[LocalQ]:
    q = LocalQ("shop", eager=True)

    @q.task(name="report")
    def report(day: str = "") -> str:
        return day

    @q.task(name="clean")
    def clean() -> None:
        pass

    yield q
    q.close()
    current.set_app(None)


def runs(trip: Any) -> list[tuple[str, str]]:
    return [(f"{one.at:%d %H:%M}", one.task) for one in trip.ran]


def test_three_days_pass_and_show_what_ran_in_order(shop: LocalQ) -> None:
    shop.add_periodic_task(crontab(hour=2, minute=30), shop.tasks["report"].s("x"), zone="Europe/Berlin")
    shop.add_periodic_task(86_400, shop.tasks["clean"])

    with travel(shop, START) as trip:
        trip.forward(days=3)

    assert runs(trip) == [
        ("28 00:00", "clean"),
        ("28 01:30", "report"),
        ("29 00:00", "clean"),
        ("29 01:00", "report"),  # 02:30 does not exist on that day: clocks go from 02:00 to 03:00
        ("30 00:00", "clean"),
        ("30 00:30", "report"),
        ("31 00:00", "clean"),
    ]
    assert [one.args for one in trip.ran if one.task == "report"] == [("x",)] * 3
    assert {one.state for one in trip.ran} == {"SUCCESS"}


def test_a_run_knows_its_schedule_and_its_instant(shop: LocalQ) -> None:
    shop.add_periodic_task(crontab(minute=0), shop.tasks["clean"], name="hourly")
    told = []

    @shop.task(bind=True, name="told")
    def tell(self: Any) -> None:
        told.append((self.request.periodic_task_name, self.request.scheduled_at))

    shop.add_periodic_task(crontab(minute=30), tell, name="half")

    with travel(shop, START) as trip:
        trip.forward(minutes=60)

    assert [(one.schedule, one.scheduled_at) for one in trip.ran] == [
        ("half", START + timedelta(minutes=30)),
        ("hourly", START + timedelta(minutes=60)),
    ]
    assert told == [("half", "2026-03-28T00:30:00+00:00")]


def test_jobs_wait_for_their_own_times(shop: LocalQ) -> None:
    @shop.task(bind=True, name="flaky", max_retries=1)
    def flaky(self: Any) -> str:
        if self.request.retries == 0:
            raise self.retry(countdown=600)
        return "done"

    with travel(shop, START) as trip:
        result = flaky.apply_async(countdown=3600)
        trip.forward(minutes=59)
        assert (trip.ran, result.state) == ([], "PENDING")
        trip.forward(hours=1)
        assert result.get(timeout=0) == "done"

    assert [(f"{one.at:%H:%M}", one.state) for one in trip.ran] == [("01:00", "RETRY"), ("01:10", "SUCCESS")]


def test_no_instant_is_passed_over_where_runs_are_put_off(shop: LocalQ) -> None:
    shop.add_periodic_task(60, shop.tasks["clean"].s(), name="minutely", countdown=3600)

    with travel(shop, START) as trip:
        trip.forward(hours=1, minutes=2)

    assert runs(trip) == [("28 01:00", "clean"), ("28 01:01", "clean"), ("28 01:02", "clean")]


def test_what_a_job_adds_runs_after_it_and_may_be_shown(shop: LocalQ) -> None:
    @shop.task(bind=True, name="parent")
    def parent(self: Any) -> None:
        self.update_state(state="PROGRESS", meta={"done": 1})
        shop.tasks["clean"].delay()

    with travel(shop, START) as trip:
        parent.delay()
        assert [one.task for one in trip.forward()] == ["parent", "clean"]


def test_schedules_are_added_and_changed_on_the_way(shop: LocalQ) -> None:
    with travel(shop, START) as trip:
        shop.schedules.add("x", 3600, "clean")
        trip.forward(hours=1)
        shop.schedules.pause("x")
        trip.forward(hours=5)
        shop.schedules.resume("x")
        trip.forward(hours=1)
        shop.schedules.trigger("x")
        trip.forward()
        reasons = [one.reason for one in shop.schedules.ledger("x")][::-1]

    assert runs(trip) == [(f"28 {at}", "clean") for at in ("00:00", "01:00", "07:00", "07:00")]
    assert reasons == [None, None, *["paused"] * 5, None, "triggered by hand"]


def test_an_outage_is_a_step_of_the_clock(shop: LocalQ) -> None:
    shop.schedules.add("x", crontab(minute=0), "clean")
    shop.add_periodic_task(crontab(minute=0), shop.tasks["clean"], name="all", missed="all")
    shop.add_periodic_task(crontab(minute=0), shop.tasks["report"], name="latest")

    with travel(shop, START) as trip:
        trip.clock.step(timedelta(hours=3, minutes=5))
        trip.forward()

    assert [(one.schedule, f"{one.scheduled_at:%H:%M}") for one in trip.ran if one.scheduled_at] == [
        ("all", "01:00"),
        ("all", "02:00"),
        ("all", "03:00"),
        ("latest", "03:00"),
    ]


def test_the_app_is_as_before_after_a_travel(shop: LocalQ) -> None:
    store, clock = shop.store, shop.clock

    def leave() -> None:
        with travel(shop, START):
            assert shop.clock is not clock
            assert not shop.eager
            raise KeyError

    with pytest.raises(KeyError):
        leave()
    assert (shop.store, shop.clock, shop.eager) == (store, clock, True)


def test_a_bad_configuration_is_told_at_departure(shop: LocalQ) -> None:
    shop.conf.beat_schedule = {"x": {"task": "missing", "schedule": 5}}

    with pytest.raises(ScheduleError, match="there is no task 'missing'"), travel(shop):
        raise AssertionError("unreachable")
    assert shop.eager


def test_a_failed_run_is_seen_as_such(shop: LocalQ) -> None:
    @shop.task(name="fails")
    def fails() -> None:
        raise ValueError("no")

    with travel(shop, START) as trip:
        fails.delay()
        shop.send_task("unknown")
        trip.forward()

    assert [one.state for one in trip.ran] == ["FAILURE", "FAILURE"]


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(datetime(2026, 1, 1))
    assert (clock.now(), clock.steady()) == (1767225600_000000, 0.0)

    clock.forward(seconds=90)
    assert clock.time == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    clock.step(timedelta(hours=-1))

    assert clock.time == datetime(2025, 12, 31, 23, 1, 30, tzinfo=UTC)
    assert clock.steady() == 90.0
    with pytest.raises(ValueError, match="time does not run backwards"):
        clock.to(datetime(2025, 1, 1))
