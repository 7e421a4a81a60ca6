"""How SQLite finds schedules: by indexes that hold what is due, whatever else there is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localq.store.sqlite.dialect import SQLITE
from tests.store.files import opened
from tests.store.given import HOUR, NOW
from tests.store.timed import CONFIG, defined

PLANS = {
    "due": "SEARCH schedule USING INDEX schedule_due (due_at<?)",
    "next_due": "SEARCH schedule USING INDEX schedule_due (due_at>?)",
    "held": "SEARCH schedule USING INDEX schedule_held (held_at>?)",
    "due_of": "SEARCH schedule USING INDEX schedule_due (due_at<?)",
    "next_due_of": "SEARCH schedule USING INDEX schedule_due (due_at>?)",
    "held_of": "SEARCH schedule USING INDEX schedule_held (held_at>?)",
    "found": "SCAN schedule USING INDEX sqlite_autoindex_schedule_1",
    "found_after": "SEARCH schedule USING INDEX sqlite_autoindex_schedule_1 (name>?)",
    "found_named": "SEARCH schedule USING INDEX sqlite_autoindex_schedule_1 (name=?)",
    "of_source": "SEARCH schedule USING INDEX schedule_source (source=?)",
    "of_name": "SEARCH schedule USING INDEX sqlite_autoindex_schedule_1 (name=?)",
    "of_names": "SEARCH schedule USING INDEX sqlite_autoindex_schedule_1 (name=?)",
    "advance": "SEARCH schedule USING INTEGER PRIMARY KEY (rowid=?)",
    "ledger": "SEARCH firing USING PRIMARY KEY (schedule=? AND nominal<?)",
    "last_fired": "SEARCH firing USING PRIMARY KEY (schedule=?)",
    "next_with_ledger": "SEARCH firing USING PRIMARY KEY (schedule>?)",
    "oldest_kept": "SEARCH firing USING PRIMARY KEY (schedule=?)",
    "drop_old": "SEARCH firing USING PRIMARY KEY (schedule=? AND nominal=?)",
}


@pytest.mark.parametrize("name", PLANS)
def test_each_look_goes_through_an_index(tmp_path: Path, name: str) -> None:
    opened(tmp_path / "jobs.db").close()
    statement = getattr(SQLITE.texts.schedule, name)

    connection = sqlite3.connect(tmp_path / "jobs.db")
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.values({})).fetchall()
    connection.close()

    assert plan[0][3] == PLANS[name]


def test_of_many_schedules_only_those_due_are_read(tmp_path: Path) -> None:
    store = opened(tmp_path / "jobs.db", "normal")
    wanted = [defined(f"s-{i}", next_at=NOW if i % 1000 == 7 else NOW + HOUR) for i in range(10_000)]
    store.schedules.sync(CONFIG, wanted, NOW)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    assert store.database._connection is not None
    store.database._connection.set_progress_handler(count, 1)
    found = store.schedules.due(NOW, 1000)
    store.database._connection.set_progress_handler(None, 1)

    assert (len(found.schedules), found.next_due) == (10, NOW + HOUR)
    assert 0 < steps < 1000, f"SQLite took {steps} steps, of some 20 for each schedule it reads"
    store.close()
