"""A log that is written back while others commit: it is not begun anew, whatever they do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localq.model.job import JobState
from localq.store.sqlite import database as sqlite_database
from localq.store.sqlite.database import SqliteDatabase
from localq.store.sqlite.pinned_log import PinnedLog
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, new, newly
from tests.worker.waiting import DEADLINE_S


def connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=DEADLINE_S)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def began(path: Path) -> bytes:
    """Return what the header of the log has of its beginning: another salt each time."""
    return Path(f"{path}-wal").read_bytes()[16:24]


@pytest.mark.parametrize("written_back", [True, False])
def test_no_commit_begins_the_log_anew_while_it_is_pinned(tmp_path: Path, written_back: bool) -> None:
    path = tmp_path / "file.db"
    writer, other = connected(path), connected(path)
    writer.execute("CREATE TABLE row (n)")
    if written_back:
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    pinned = PinnedLog(
        lambda: connected(path),
        lambda reader: reader.execute("BEGIN").execute("SELECT 1 FROM sqlite_master LIMIT 0"),
        lambda: writer.execute("PRAGMA user_version=1"),
    )

    for round_ in range(3):
        pinned.renew()
        log = began(path)
        for n in range(3):
            other.execute("INSERT INTO row VALUES (?)", (n,))
            # Nobody else's checkpoint lets go of it either.
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            assert began(path) == log, round_
    pinned.close()

    other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    other.execute("INSERT INTO row VALUES (3)")
    assert began(path) != log
    assert other.execute("SELECT count(*) FROM row").fetchone() == (10,)


def test_others_write_while_most_of_the_log_is_written_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "CHECKPOINT_BYTES", 0)
    store, other = SqliteStore(tmp_path / "jobs.db"), SqliteStore(tmp_path / "jobs.db", patience_s=0.01)
    store.jobs.add([new("first")], NOW)
    assert newly(other, [new("second")], NOW) == [True]
    checkpoint, done = SqliteDatabase._checkpoint, []

    def busy(self: SqliteDatabase) -> int:
        if self._connection is not None and not self._connection.in_transaction:
            # Whoever held the write lock here would make this fail.
            done.append(newly(other, [new(f"job-{len(done)}", args=b"x" * 2_000_000)], NOW))
        return checkpoint(self)

    monkeypatch.setattr(SqliteDatabase, "_checkpoint", busy)
    store.tend(NOW)

    # What comes while it is written back is written back as well, but not without end.
    assert done == [[True]] * 4
    assert store.read.stats().counts == {("default", JobState.READY): 6}
    assert store.database.inspect("integrity_check") == [("ok",)]
    store.close(), other.close()


def test_a_fork_waits_until_the_log_is_written_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    store.open()

    with store.database._writing_back:
        held = store.hold(0)
        assert held is not None  # whoever writes back may fork
        held.release()
    taken = store.database._writing_back.acquire()

    assert taken
    store.database._writing_back.release()
    store.close()
