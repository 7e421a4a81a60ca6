"""The time a task is told it was to wait for: one it was given, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Task, chain, chord, current
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.schedules.declaration import Declaration
from localq.testing import FakeClock, drain

START = datetime(2026, 1, 1, tzinfo=UTC)
IN_A_MINUTE = "2026-01-01T00:01:00+00:00"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def q(tmp_path: Path, clock: FakeClock) -> Iterator[LocalQ]:
    app = LocalQ("eta", path=tmp_path / "jobs.db", durability="normal")
    app.clock = clock
    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def seen(q: LocalQ) -> list[tuple[str, str | None]]:
    return []


@pytest.fixture
def look(q: LocalQ, clock: FakeClock, seen: list[tuple[str, str | None]]) -> Task[..., Any]:
    """Return a task that notes the time it was told, and takes a second."""

    @q.task(name="look", bind=True)
    def look(self: Any, *args: Any) -> None:
        seen.append((args[-1], self.request.eta))
        clock.forward(seconds=1)

    return look


def test_steps_and_bodies_without_a_time_are_told_none(q: LocalQ, look: Any, seen: list[Any]) -> None:
    chain(look.s("first"), look.si("immutable"), look.s("fed")).delay()
    chord([look.s("one"), look.s("two")], look.si("body")).delay()
    drain(q)

    assert dict(seen) == dict.fromkeys(("first", "immutable", "fed", "one", "two", "body"))


@pytest.mark.parametrize("options", [{"countdown": 60}, {"eta": datetime(2026, 1, 1, 0, 1, tzinfo=UTC)}])
def test_a_call_that_waits_is_told_its_time_though_it_runs_later(
    q: LocalQ, look: Any, seen: list[Any], clock: FakeClock, options: dict[str, Any]
) -> None:
    look.apply_async(("late",), **options)
    clock.forward(hours=1)
    drain(q)

    assert seen == [("late", IN_A_MINUTE)]


def test_a_time_in_the_past_is_told_as_it_was_given(q: LocalQ, look: Any, seen: list[Any]) -> None:
    look.apply_async(("late",), eta=datetime(2025, 12, 31, tzinfo=UTC))
    drain(q)

    assert seen == [("late", "2025-12-31T00:00:00+00:00")]


@pytest.mark.parametrize("kind", ["s", "si"])
def test_a_step_that_waits_after_the_one_before_is_told_its_time(
    q: LocalQ, look: Any, seen: list[Any], kind: str
) -> None:
    chain(look.s("first"), getattr(look, kind)("second").set(countdown=59)).delay()
    drain(q, scheduled=True)

    assert seen == [("first", None), ("second", IN_A_MINUTE)]


def test_a_retry_is_told_the_time_it_waited_for(q: LocalQ, seen: list[Any]) -> None:
    @q.task(name="again", bind=True)
    def again(self: Any) -> None:
        seen.append(self.request.eta)
        if len(seen) < 2:
            raise self.retry(countdown=60)

    again.delay()
    drain(q, scheduled=True)

    assert seen == [None, IN_A_MINUTE]


def test_a_job_that_was_run_again_is_told_no_time(q: LocalQ, look: Any, seen: list[Any]) -> None:
    job = look.delay("again")
    drain(q)
    q.requeue([job.id])
    drain(q)

    assert seen == [("again", None), ("again", None)]


def test_a_call_that_is_run_before_its_time_is_told_none(q: LocalQ, look: Any, seen: list[Any]) -> None:
    job = look.apply_async(("early",), countdown=60)
    job.revoke()
    q.requeue([job.id])
    drain(q)

    assert seen == [("early", None)]


def test_a_job_whose_worker_died_is_told_no_time() -> None:
    again = Job(1, "j", "t", "q", 0, 2, 2_000, None, 2, 1, 2, 0, 1, 0, None, 1_000, None, None, None)

    assert JobOptions().eta_of(again) is None


def test_a_run_of_a_schedule_has_the_time_its_countdown_comes_to(q: LocalQ, look: Any, seen: list[Any]) -> None:
    entry = {"task": look, "schedule": 3600, "args": ("nightly",), "options": {"countdown": 60}}
    definition = Declaration.of_entry("nightly", entry).definition(q)

    q.store.jobs.add([definition.job_at(0, 0, q.clock.now())], q.clock.now())
    drain(q, scheduled=True)

    assert seen == [("nightly", IN_A_MINUTE)]
