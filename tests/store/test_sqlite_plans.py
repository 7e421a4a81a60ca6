"""How SQLite finds what claims ask for, however much lies beside it: by an index that holds nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from localq.store.sql.statement import Statement
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.store import SqliteStore


def plan(tmp_path: Path, statement: Statement) -> str:
    store = SqliteStore(tmp_path / "jobs.db", durability="normal")
    store.open()
    rows = store.database.executed(f"EXPLAIN QUERY PLAN {statement.text}", (None,) * len(statement.names))
    store.close()
    return "\n".join(row[3] for row in rows)


def test_each_of_several_jobs_that_end_is_found_by_its_key(tmp_path: Path) -> None:
    several = SQLITE.texts.job.finish.several
    assert several is not None

    found = plan(tmp_path, several)

    assert "SEARCH job USING INTEGER PRIMARY KEY (rowid=?)" in found
    assert "SCAN job" not in found


@pytest.mark.parametrize("name", ["next_queue", "next_task", "let_out"])
def test_parked_jobs_are_found_by_their_own_index(tmp_path: Path, name: str) -> None:
    found = plan(tmp_path, (found := getattr(SQLITE.texts.limit, name)) and getattr(found, "one", found))

    assert "USING INDEX job_parked (queue" in found or "USING COVERING INDEX job_parked (queue" in found
    assert "TEMP B-TREE" not in found


def test_the_first_jobs_of_a_queue_are_parked_without_a_look_at_the_rest(tmp_path: Path) -> None:
    found = plan(tmp_path, SQLITE.texts.limit.park)

    assert "SEARCH job USING INDEX job_ready (queue=?)" in found
    assert "TEMP B-TREE" not in found


def test_a_job_that_is_waited_for_is_found_by_its_id_and_its_attempt_by_key(tmp_path: Path) -> None:
    found = plan(tmp_path, SQLITE.texts.read.seen_one)

    assert "SEARCH job USING INDEX" in found
    assert "(id=?)" in found
    assert "SEARCH attempt USING INTEGER PRIMARY KEY (rowid=?)" in found
    assert "SCAN" not in found


def test_the_queues_of_ready_jobs_are_known_by_the_ends_of_an_index(tmp_path: Path) -> None:
    found = plan(tmp_path, SQLITE.texts.job.outlook)

    assert found.count("SEARCH job USING INDEX job_ready") == 2
    assert "SCAN job" not in found
