"""A file that an earlier tree wrote: opened, read and worked by the code of today (see `data/shop.py`)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, current
from localq.exceptions import TaskRevokedError
from localq.model.job import JobState
from localq.result import GroupResult
from localq.store.sql.layout import SCHEMA_VERSION
from localq.store.sqlite.conversions import OLDEST
from localq.testing import start_worker
from tests.store import children
from tests.store.data.shop import FULL, MADE_AT, shop, until
from tests.store.files import opened
from tests.store.together import run_python, together
from tests.worker.waiting import DEADLINE_S

KEPT = Path(__file__).parent / "data" / "jobs.db"
#: A day later, when all that waits for its time is due, and what expired is over.
OPENED_AT = MADE_AT + timedelta(days=1)
STATES = {
    JobState.WAITING: {"chord-body", "chain-3"},
    JobState.SCHEDULED: {"retried", "scheduled", "mail-bob"},
    JobState.READY: {"chord-2", "chain-2", "ready", "large", "expiring", "paused"},
    JobState.RUNNING: {"running"},
    JobState.SUCCEEDED: {"succeeded", "packed", "chord-1", "chain-1", "mail-ann"} | {f"saved-{n}" for n in range(3)},
    JobState.FAILED: {"failed", "broken-1", "broken-2"},
    JobState.CANCELLED: {"cancelled"},
}


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return the app on a copy of the file."""
    app = shop(shutil.copy(KEPT, tmp_path / "jobs.db"), OPENED_AT)
    yield app
    app.stop(timeout=0.1)
    app.close()
    current.set_app(None)


def defined(path: Path) -> dict[str, object]:
    """Return the columns of every table, and what every index says, in a file."""
    connection = sqlite3.connect(path)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        columns = {name: sorted(connection.execute(f"PRAGMA table_info({name})"), key=by_name) for (name,) in tables}
        columns = {name: [column[1:] for column in found] for name, found in columns.items()}
        indexes = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        return {**columns, **indexes, "version": connection.execute("PRAGMA user_version").fetchone()[0]}
    finally:
        connection.close()


def by_name(column: tuple[Any, ...]) -> str:
    return str(column[1])


def test_it_gets_the_tables_and_indexes_of_a_new_file(tmp_path: Path) -> None:
    old, new = Path(shutil.copy(KEPT, tmp_path / "jobs.db")), tmp_path / "new.db"
    assert defined(old)["version"] == OLDEST

    for path in (old, new):
        opened(path).close()

    assert defined(old) == defined(new)


def test_it_is_converted_whole_or_not_at_all(tmp_path: Path) -> None:
    path = Path(shutil.copy(KEPT, tmp_path / "jobs.db"))
    before = defined(path)

    assert run_python(children.add_one, str(path), LOCALQ_FAULT="store.create=kill").returncode == -9
    assert defined(path) == before

    assert len(together(4, children.open_new, path)) == 4
    assert defined(path)["version"] == SCHEMA_VERSION


def test_every_job_is_found_in_its_state(q: LocalQ) -> None:
    expected = {job_id: state for state, ids in STATES.items() for job_id in ids}

    assert {job_id: one.state for job_id, one in q.store.read.get(list(expected)).items()} == expected


def test_results_failures_and_notes_can_be_read(q: LocalQ) -> None:
    result = q.AsyncResult

    assert result("succeeded").get(timeout=0) == 4
    assert result("packed").get(timeout=0) == "x" * 2000 + "y"
    with pytest.raises(LookupError, match="tea"):
        result("failed").get(timeout=0)
    with pytest.raises(Exception, match="ink") as behind:
        result("broken-2").get(timeout=0)
    assert type(behind.value).__name__ == "OutOfStock"
    assert "OutOfStock: ink" in result("broken-1").traceback
    with pytest.raises(TaskRevokedError):
        result("cancelled").get(timeout=0)
    assert (result("running").state, result("running").info) == ("COUNTING", {"done": 7})
    assert [run.outcome for run in result("retried").attempts] == ["RETRY"]


def test_a_saved_group_is_restored(q: LocalQ) -> None:
    group = GroupResult.restore("saved", app=q)

    assert group is not None
    assert group.get(timeout=0) == [0, 2, 4]


def test_what_waits_is_run_to_the_end(q: LocalQ) -> None:
    result = q.AsyncResult
    ends = {
        "chord-2": 4,
        "chord-body": 6,
        "chain-2": 6,
        "chain-3": 10,
        "retried": "tea delivered",
        "scheduled": 12,
        "mail-bob": "mailed bob",
        "ready": 10,
        "large": "x" * 2000 + "y",
        "running": "counted",
    }

    with start_worker(q):
        assert {job_id: result(job_id).get(timeout=DEADLINE_S) for job_id in ends} == ends
        with pytest.raises(TaskRevokedError, match="expired"):
            result("expiring").get(timeout=DEADLINE_S)
        assert result("paused").state == "PENDING"
        q.control.resume("slow")
        assert result("paused").get(timeout=DEADLINE_S) == 18

    assert [run.outcome for run in result("retried").attempts] == ["RETRY", "SUCCESS"]


def test_a_failed_step_is_tried_again_and_the_rest_goes_on(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FULL, "yes")
    assert q.requeue(["broken-1"]) == ["broken-1"]

    with start_worker(q):
        assert q.AsyncResult("broken-2").get(timeout=DEADLINE_S) == 31


def test_its_schedules_fire_on(q: LocalQ) -> None:
    before = {name: len(q.schedules.ledger(name)) for name in ("nightly", "hourly", "paused")}
    assert before == {"nightly": 1, "hourly": 1, "paused": 0}

    with start_worker(q):
        until(lambda: all(len(q.schedules.ledger(name)) > 1 for name in ("nightly", "hourly")))
        fired = [next(one for one in q.schedules.ledger(name) if one.job_id) for name in ("nightly", "hourly")]
        assert [q.AsyncResult(one.job_id).get(timeout=DEADLINE_S) for one in fired] == ["report of the night", "report"]

    assert q.schedules.ledger("paused") == []


def test_what_was_ordered_still_holds(q: LocalQ) -> None:
    orders = {(one.kind, one.name): one.value for one in q.store.mail.orders()}

    assert orders == {("pause", "slow"): "", ("rate", "shop.total"): "100/s", ("limits", "shop.report"): "[60, 90]"}
