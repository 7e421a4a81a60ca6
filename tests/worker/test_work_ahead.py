"""How much a slot is handed ahead, and when a worker leaves its slots alone."""

from __future__ import annotations

from typing import Any

import pytest

from localq import LocalQ
from localq.model.outcome import Completion
from localq.store.sql.jobs import SqlJobs
from localq.worker.pool.processes.work_ahead import MOST_AHEAD, WorkAhead
from tests.worker.waiting import DEADLINE_S


def paced(seconds: float, task: str = "shop.mail") -> WorkAhead:
    """Return a pace after many runs that took so long."""
    pace = WorkAhead()
    for _ in range(100):
        pace.measure(task, seconds)
    return pace


def test_nothing_is_handed_ahead_before_a_run_was_measured() -> None:
    pace = WorkAhead()

    assert (pace.most(), pace.is_long("shop.mail"), pace.lasts(0)) == (1, True, 0.0)


@pytest.mark.parametrize(
    ("seconds", "jobs"), [(0.000_01, MOST_AHEAD), (0.005_1, 6), (0.009, 4), (0.015, 2), (0.03, 1), (5.0, 1)]
)
def test_a_slot_holds_the_job_it_runs_and_some_25_milliseconds_of_work(seconds: float, jobs: int) -> None:
    assert paced(seconds).most() == jobs


@pytest.mark.parametrize(
    ("seconds", "alone"), [(0.001, False), (0.015, False), (0.024, False), (0.026, True), (5.0, True)]
)
def test_a_job_waits_behind_another_only_if_that_takes_no_longer_than_what_is_held_ahead(
    seconds: float, alone: bool
) -> None:
    assert paced(seconds).is_long("shop.mail") is alone


def test_one_long_run_stops_handing_ahead_at_once() -> None:
    pace = paced(0.001)

    pace.measure("shop.mail", 1.0)

    assert pace.is_long("shop.mail")
    assert pace.most() == 1


@pytest.mark.parametrize(("size", "jobs"), [(100, MOST_AHEAD), (1_000_000, 5), (3_000_000, 2), (100_000_000, 1)])
def test_a_slot_holds_no_more_large_jobs_than_a_few_megabytes(size: int, jobs: int) -> None:
    pace = paced(0.000_1)

    pace.measure("shop.mail", 0.000_1, size)

    assert pace.most() == jobs


def test_slots_hold_more_again_once_jobs_are_small() -> None:
    pace = paced(0.000_1)
    pace.measure("shop.mail", 0.000_1, 1_000_000)

    for _ in range(100):
        pace.measure("shop.mail", 0.000_1, 100)

    assert pace.most() == MOST_AHEAD


def test_slots_are_left_alone_for_less_than_their_work_takes() -> None:
    assert 0 < paced(0.005).lasts(2) < 0.010
    assert paced(0.005).lasts(50) <= 0.025


def test_the_first_runs_tell_at_once_how_much_a_slot_may_hold() -> None:
    pace = WorkAhead()

    pace.measure("shop.mail", 0.005_1)

    assert pace.most() == 6
    assert 0.015 < pace.lasts(5) < 0.025


def test_a_run_that_took_long_once_leaves_no_slot_idle_later() -> None:
    pace = paced(0.005)

    pace.measure("shop.mail", 0.060)
    pace.measure("shop.mail", 0.005)

    assert pace.lasts(2) < 0.010


def test_nobody_looks_away_from_jobs_that_take_no_time() -> None:
    assert paced(0.000_1).lasts(MOST_AHEAD) == 0.0


@pytest.mark.linux("jobs are handed over ahead of need")
def test_outcomes_of_a_backlog_are_written_several_at_once(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    finish = SqlJobs.finish

    def counted(self: Any, completions: list[Completion], now: int) -> list[bool]:
        # Counted once it is written: what a busy file refuses is tried again, and on a busy machine some is put back.
        ended = finish(self, completions, now)
        written.append(sum(done.state.final for done in completions))
        return ended

    @q.task
    def spin() -> int:
        return sum(range(100_000))

    results = q.enqueue_many([spin.s() for _ in range(150)])
    monkeypatch.setattr(SqlJobs, "finish", counted)

    with q.running(concurrency=2):
        values = [result.get(timeout=DEADLINE_S) for result in results]

    assert values == [sum(range(100_000))] * 150
    assert sum(written) == 150
    assert max(written) >= 3
