"""The raw limits: what `sqlite3` itself does on this machine, right now, with the least a queue must do."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from localq.model.ids import new_id

ARGS = b"[[],{}]"


def _open(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "wal_autocheckpoint=0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def single_commits(folder: Path, synchronous: str, count: int) -> float:
    """Return rows a second, each in a transaction of its own: a job's id, unique, and its arguments."""
    connection = _open(folder / f"raw-{synchronous}-{new_id()}.db", synchronous)
    connection.execute("CREATE TABLE job (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, args BLOB)")
    started = time.perf_counter()
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO job (id, args) VALUES (?, ?)", (new_id(), ARGS))
        connection.execute("COMMIT")
    spent = time.perf_counter() - started
    connection.close()
    return count / spent


def claim_and_finish(folder: Path, count: int, batch: int = 64) -> float:
    """Return jobs a second claimed and finished in batches of 64, two commits a batch, in one process.

    The least a durable queue with priorities and results must write: a job becomes running under an owner and a
    token, then done with a time, and its result is kept with when and where it ran.
    """
    connection = _open(folder / f"raw-drain-{new_id()}.db", "NORMAL")
    for statement in (
        "CREATE TABLE job (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT, queue TEXT, priority INT, "
        "state INT, token INT, owner INT, done_at INT, args BLOB)",
        "CREATE TABLE result (job INTEGER PRIMARY KEY, worker TEXT, started_at INT, ended_at INT, value BLOB)",
        "CREATE INDEX ready ON job (queue, priority DESC, key) WHERE state = 1",
        "CREATE INDEX owned ON job (owner) WHERE state = 2",
        "CREATE INDEX done ON job (done_at) WHERE state = 3",
    ):
        connection.execute(statement)
    rows = [(new_id(), ARGS) for _ in range(count)]
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO job (id, task, queue, priority, state, token, args) VALUES (?, 'noop', 'celery', 0, 1, 0, ?)", rows
    )
    connection.execute("COMMIT")
    started = time.perf_counter()
    while True:
        connection.execute("BEGIN IMMEDIATE")
        claimed = connection.execute(
            "UPDATE job SET state = 2, owner = 1, token = token + 1 WHERE key IN "
            "(SELECT key FROM job WHERE state = 1 AND queue = 'celery' ORDER BY priority DESC, key LIMIT ?) "
            "RETURNING key, id, task, token, args",
            (batch,),
        ).fetchall()
        connection.execute("COMMIT")
        if not claimed:
            break
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE job SET state = 3, owner = NULL, done_at = ? WHERE key = ? AND token = ? AND state = 2",
            [(1_790_000_000_000_000, key, token) for key, _, _, token, _ in claimed],
        )
        connection.executemany(
            "INSERT INTO result VALUES (?, 'worker@host', ?, ?, ?)",
            [(key, 1_790_000_000_000_000, 1_790_000_000_000_000, b"null") for key, _, _, _, _ in claimed],
        )
        connection.execute("COMMIT")
    spent = time.perf_counter() - started
    connection.close()
    return count / spent


def large_values(folder: Path, text: str, count: int = 60) -> float:
    """Return jobs a second whose large argument is written, read, written as result and read, with checkpoints.

    The client's commit fsyncs and the worker's does not, as ours; a log of 16 MiB is written back.
    """
    path = folder / f"raw-large-{new_id()}.db"
    client, worker = _open(path, "FULL"), _open(path, "NORMAL")
    for table in ("args", "result"):
        client.execute(f"CREATE TABLE {table} (key INTEGER PRIMARY KEY, value BLOB)")
    value = text.encode()
    started = time.perf_counter()
    for key in range(count):
        _write_one(client, "args", key, value)
        (read,) = worker.execute("SELECT value FROM args WHERE key = ?", (key,)).fetchone()
        _write_one(worker, "result", key, read)
        client.execute("SELECT value FROM result WHERE key = ?", (key,)).fetchone()
        if Path(f"{path}-wal").stat().st_size > 16 << 20:
            worker.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    spent = time.perf_counter() - started
    client.close(), worker.close()
    return count / spent


def _write_one(connection: sqlite3.Connection, table: str, key: int, value: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (key, value))
    connection.execute("COMMIT")
