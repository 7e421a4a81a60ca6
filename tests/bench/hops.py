"""The raw limit of a call and its result: three processes, three commits, four wake-ups, and nothing else."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sqlite3
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import multiprocess

__all__ = ["bare_calls"]

_TABLES = (
    "CREATE TABLE job (key INTEGER PRIMARY KEY, state INT, args BLOB, result BLOB)",
    "CREATE INDEX ready ON job (key) WHERE state = 1",
)
_CLAIM = "UPDATE job SET state = 2 WHERE key = (SELECT key FROM job WHERE state = 1 LIMIT 1) RETURNING key, args"
_END = "UPDATE job SET state = 3, result = ? WHERE key = ? AND state = 2"
_TIMEOUT_S = 30.0


def bare_calls(folder: Path, synchronous: str, count: int) -> float:
    """Return the median of how long a job takes (ms) that one process adds, another claims and ends, and a third runs.

    Adding it is as safe as `synchronous` says, the other two commits are NORMAL, as those of a worker are.
    """
    file = str(folder / f"hops-{synchronous}.db")
    adder = _open(file, synchronous)
    for statement in _TABLES:
        adder.execute(statement)
    rung, heard = str(folder / "worker"), str(folder / "caller")
    bell, mine = _bell(rung), _bell(heard)
    to_slot, of_slot = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reports, of_reports = os.pipe()
    with _process(_run, of_slot, of_reports), _process(_work, file, bell, to_slot, reports, heard):
        spent = [_called(adder, mine, rung) for _ in range(count)]
    adder.close()
    for end in (bell, mine, to_slot, of_slot):
        end.close()
    os.close(reports), os.close(of_reports)
    os.unlink(rung), os.unlink(heard)
    return statistics.median(spent) * 1e3


def _called(adder: sqlite3.Connection, mine: socket.socket, rung: str) -> float:
    began = time.perf_counter()
    key = adder.execute("INSERT INTO job (state, args) VALUES (1, ?)", (b"[[],{}]" * 10,)).lastrowid
    mine.sendto(b"!", rung)
    mine.recv(16)
    assert adder.execute("SELECT result FROM job WHERE key = ?", (key,)).fetchall() == [(b"null",)]
    return time.perf_counter() - began


def _open(file: str, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "wal_autocheckpoint=0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _bell(path: str) -> socket.socket:
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.bind(path)
    bell.settimeout(_TIMEOUT_S)
    return bell


@contextlib.contextmanager
def _process(target: object, *args: object) -> Iterator[None]:
    process = multiprocess.get_context("fork").Process(target=target, args=args, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _work(file: str, bell: socket.socket, to_slot: socket.socket, reports: int, heard: str) -> None:
    connection = _open(file, "NORMAL")
    wakes = select.epoll()
    wakes.register(bell.fileno(), select.EPOLLIN)
    wakes.register(reports, select.EPOLLIN)
    key = 0
    while True:
        for ready, _ in wakes.poll():
            if ready == reports:
                connection.execute(_END, (os.read(reports, 4096), key))
                bell.sendto(b"!", heard)
            else:
                bell.recv(16)
                ((key, args),) = connection.execute(_CLAIM).fetchall()
                to_slot.send(args)


def _run(of_slot: socket.socket, of_reports: int) -> None:
    while of_slot.recv(4096):
        os.write(of_reports, b"null")
