"""Writing a log back early: a hint that does no harm where it is of no use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localq.model.job import JobState
from localq.store.sqlite import database as sqlite_database
from localq.store.sqlite import writeback
from localq.store.sqlite.store import SqliteStore
from localq.store.sqlite.writeback import begin_writeback, finish_writeback
from tests.store.given import NOW, new, newly


def test_a_file_is_written_back_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100_000)
    before = len(os.listdir("/proc/self/fd"))

    begin_writeback(str(path))
    finish_writeback(str(path))

    assert path.read_bytes() == b"x" * 100_000
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["missing", ".", "gone/log"])
def test_what_is_no_file_is_no_error(tmp_path: Path, name: str) -> None:
    begin_writeback(str(tmp_path / name))
    finish_writeback(str(tmp_path / name))

    assert os.listdir(tmp_path) == []


def test_where_the_system_has_no_such_call_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeback, "_sync_file_range", lambda: None)

    begin_writeback(str(tmp_path / "missing"))

    assert os.listdir(tmp_path) == []


def test_the_log_is_on_the_disk_before_others_wait_for_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "CHECKPOINT_BYTES", 0)
    store, other = SqliteStore(tmp_path / "jobs.db", "normal"), SqliteStore(tmp_path / "jobs.db", "normal")
    store.jobs.add([new("first")], NOW)
    written: list[str] = []

    def finish(path: str) -> None:
        # Whoever held the write lock here would make this wait for half a minute, and fail.
        assert newly(other, [new("theirs")], NOW) == [True]
        written.append(path)

    monkeypatch.setattr(sqlite_database, "finish_writeback", finish)
    store.tend(NOW)

    assert written == [f"{store.name}-wal"]
    assert store.read.stats().counts == {("default", JobState.READY): 2}
    store.close(), other.close()
