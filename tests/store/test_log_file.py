"""What is in a log: its frames since it began anew, while its file keeps its length."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq.store.sqlite import database as sqlite_database
from localq.store.sqlite.log_file import bytes_in_log
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, new

FRAME = 24 + 4096


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "some.db")


@pytest.fixture
def database(path: str) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, isolation_level=None)
    for text in ("journal_mode=WAL", "wal_autocheckpoint=0"):
        database.execute(f"PRAGMA {text}")
    database.execute("CREATE TABLE pages (page BLOB)")
    yield database
    database.close()


def write(database: sqlite3.Connection, pages: int) -> None:
    database.execute("BEGIN")
    database.executemany("INSERT INTO pages VALUES (?)", [(b"x" * 4000,)] * pages)
    database.execute("COMMIT")


def checkpoint(database: sqlite3.Connection) -> int:
    """Write the log back; return the frames in it, by SQLite's own word."""
    _, frames, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(frames)


def test_a_log_holds_its_head_and_its_frames(database: sqlite3.Connection, path: str) -> None:
    for pages in (1, 2, 3, 40, 500):
        write(database, pages)
        found = bytes_in_log(f"{path}-wal")

        assert found == os.path.getsize(f"{path}-wal")
        assert found == 32 + FRAME * checkpoint(database)


def test_a_log_that_began_anew_holds_what_was_written_since(database: sqlite3.Connection, path: str) -> None:
    write(database, 500)
    checkpoint(database)
    size = os.path.getsize(f"{path}-wal")
    for pages in (1, 7, 60):
        write(database, pages)
        found = bytes_in_log(f"{path}-wal")

        assert os.path.getsize(f"{path}-wal") == size
        assert found == 32 + FRAME * checkpoint(database)


@pytest.mark.parametrize(("said", "held"), [(b"", 0), (b"short", 0), (bytes(32), 32)])
def test_a_log_without_frames_holds_its_head_at_most(tmp_path: Path, said: bytes, held: int) -> None:
    log = tmp_path / "log"
    log.write_bytes(said)

    assert bytes_in_log(str(log)) == held


def test_a_file_without_a_log_has_nothing_in_it(tmp_path: Path) -> None:
    assert bytes_in_log(str(tmp_path / "missing")) == 0
    assert os.listdir(tmp_path) == []


def test_a_log_is_written_over_and_does_not_grow_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db", "normal")
    log, most = f"{store.name}-wal", sqlite_database.CHECKPOINT_BYTES
    held, sizes = [], []
    for number in range(3 * most // 1_000_000):
        store.jobs.add([new(f"job-{number}", args=os.urandom(1_000_000))], NOW)
        store.tend(NOW)
        held.append(bytes_in_log(log))
        sizes.append(os.path.getsize(log))
    store.close()

    first = next(at for at, size in enumerate(sizes) if size >= most)
    # It was begun anew at least twice since, in the length that it had by then.
    assert sum(after < before for before, after in zip(held[first:], held[first + 1 :], strict=False)) >= 2
    assert min(sizes[first:]) >= most
    assert max(sizes[first:]) - min(sizes[first:]) < 2_000_000
