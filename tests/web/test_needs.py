"""What needs somebody is said on the first page, and not before it does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localq import LocalQ
from localq.model.job import JobState
from localq.model.tally import Tally, size_of
from localq.store import Short, short_of
from localq.store.sqlite import examine_place
from localq.web.ask.needs import long_runs, needs_of
from localq.web.ask.usual import Usual
from localq.web.ask.workers import WorkerSeen

SECOND = 1_000_000
NOW = 1_000_000 * SECOND


def seen(task: str, ran_s: float) -> WorkerSeen:
    """Return a worker that runs one job of a task, for so many seconds."""
    job: Any = SimpleNamespace(id="the job", task=task)
    return WorkerSeen(SimpleNamespace(), [job], {"the job": NOW - int(ran_s * SECOND)})  # type: ignore[arg-type]


def usual(task: str, seconds: float, count: int) -> Usual:
    return Usual([tally(task, seconds, count)])


def tally(task: str, seconds: float, count: int) -> Tally:
    return Tally(0, task, "q", JobState.SUCCEEDED, count, 0, {size_of(int(seconds * SECOND)): count}, {})


@pytest.mark.parametrize(
    ("ran", "usually", "count", "told"),
    [
        (200.0, 10.0, 50, True),
        (90.0, 10.0, 50, False),
        (50.0, 0.1, 50, False),
        (70.0, 0.1, 50, True),
        (200.0, 10.0, 5, False),
    ],
)
def test_a_job_that_runs_ten_times_as_long_as_others_is_told(
    ran: float, usually: float, count: int, told: bool
) -> None:
    """It must also have run for a minute, and twenty others must be known."""
    found = long_runs([seen("shop.mail", ran)], usual("shop.mail", usually, count), NOW)

    assert [(one.kind, one.link) for one in found] == ([("long", "jobs/the%20job")] if told else [])


def test_of_several_long_runs_of_a_task_the_longest_is_told() -> None:
    found = long_runs([seen("shop.mail", 100), seen("shop.mail", 300)], usual("shop.mail", 1, 50), NOW)

    assert [float(one.values["span"]) for one in found] == [300.0]  # type: ignore[arg-type]


def test_a_job_of_a_task_that_nothing_is_known_of_is_not_told() -> None:
    assert long_runs([seen("shop.new", 9999)], usual("shop.mail", 1, 50), NOW) == []
    assert long_runs([WorkerSeen(SimpleNamespace(), [], {})], Usual([]), NOW) == []  # type: ignore[arg-type]


def test_a_run_is_compared_with_the_others_and_not_with_itself() -> None:
    """Of twenty-one it would be the longest that 99 of 100 take."""
    known = Usual([tally("shop.mail", 1.0, 20), tally("shop.mail", 50.0, 1)])

    assert known.half("shop.mail") == pytest.approx(1.0, rel=0.1)
    assert known.far_beyond("shop.mail", 50.0) == pytest.approx(1.0, rel=0.1)
    assert known.far_beyond("shop.mail", 60.0) is None
    assert known.far_beyond("shop.mail", 1.0) is None
    assert (known.half("shop.new"), known.far_beyond("shop.new", 9999.0)) == (None, None)


def test_a_full_disk_and_a_log_that_grows_are_told(q: LocalQ) -> None:
    q.store.open()
    told = needs_of(q.store, [], [], {}, q.clock.now(), Short(free=100 << 20, log=300 << 20))

    assert [(one.kind, one.values["size"]) for one in told] == [("disk", "100.0 MiB"), ("log", "300.0 MiB")]
    assert needs_of(q.store, [], [], {}, q.clock.now()) == []


def test_what_a_file_is_short_of_is_measured_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.db"
    with LocalQ("shop", path=path) as q:
        q.store.open()
        assert short_of(q.location) == Short()
        with open(f"{path}-wal", "r+b") as log:
            os.truncate(log.fileno(), examine_place.LARGE_LOG + 4096)
            assert short_of(q.location).log is not None
            os.truncate(log.fileno(), 0)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
        assert short_of(q.location).free == 1 << 20
    assert short_of(":memory:") == Short()
    assert short_of("postgresql://nobody@nowhere/db") == Short()
