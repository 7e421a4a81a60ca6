"""Any number of schedulers on one file, killed anywhere: each instant fires once, and none is missing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.schedule import ScheduleState, SyncOutcome
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.files import opened
from tests.store.given import NOW
from tests.store.timed import CONFIG, MINUTE, defined, timetable
from tests.store.together import run_python, together

NAMES = [f"s-{number}" for number in range(20)]
INSTANTS = [NOW + number * MINUTE for number in range(10)]
POINTS = ["fire.before", "fire.inside", "fire.after"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a store with twenty schedules, each due at ten instants."""
    store = opened(tmp_path / "jobs.db", "normal")
    store.schedules.sync(CONFIG, [defined(name) for name in NAMES], NOW)
    store.close()
    return tmp_path / "jobs.db"


def assert_each_instant_fired_once(path: Path) -> None:
    store: Any = SqliteStore(path)
    for one in store.schedules.find():
        rows = store.schedules.ledger(one.name, 100)
        assert [kept.nominal for kept in rows] == INSTANTS[::-1]
        assert [kept.job_id for kept in rows] == [f"{one.name}@{kept.nominal}" for kept in rows]
        assert set(store.read.get([kept.job_id for kept in rows])) == {kept.job_id for kept in rows}
        assert (one.state, one.runs, one.last_at, one.next_at) == (ScheduleState.ENDED, 10, INSTANTS[-1], None)
    assert store.read.stats().counts == {("default", JobState.READY): len(NAMES) * len(INSTANTS)}
    store.close()


@pytest.mark.parametrize("count", [1, 2, 20])
def test_schedulers_that_race_fire_each_instant_once(path: Path, count: int) -> None:
    applied = together(count, children.fire_all, path)

    assert sum(applied) == len(NAMES) * len(INSTANTS)
    assert_each_instant_fired_once(path)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("count", [1, 2, 20])
def test_schedulers_killed_at_any_point_leave_every_instant_to_fire_once(path: Path, count: int, point: str) -> None:
    codes = together(count, children.fire_until_killed, path, point)

    assert -signal.SIGKILL in codes
    assert set(codes) <= {0, -signal.SIGKILL}
    assert_each_instant_fired_once(path)


def test_a_process_killed_while_it_synchronises_has_changed_all_or_nothing(path: Path) -> None:
    store = opened(path)
    before = timetable(store)

    killed = run_python(children.sync_some, str(path), LOCALQ_FAULT="sync.inside=kill")

    assert killed.returncode == -signal.SIGKILL
    assert timetable(store) == before
    assert run_python(children.sync_some, str(path)).returncode == 0
    assert len(store.schedules.find(states=[ScheduleState.RETIRED])) == len(NAMES) - 4
    store.close()


def test_processes_that_synchronise_the_same_at_once_write_it_once(path: Path) -> None:
    done = together(8, children.sync_at_once, path)

    added = [SyncOutcome.ADDED] + [SyncOutcome.KEPT] * 7
    assert [sorted(outcomes) for outcomes in zip(*done, strict=True)] == [[SyncOutcome.KEPT] * 8] * 20 + [added] * 30
    store = opened(path)
    assert {(one.state, one.revision) for one in store.schedules.find()} == {(ScheduleState.ACTIVE, 1)}
    store.close()
