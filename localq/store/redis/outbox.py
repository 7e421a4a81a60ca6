"""Jobs that could not be added because the server is away: kept in a small file, and sent once it is back.

A call's jobs are one row, so that all of them are sent or none. Each goes under its sender's name and a number that
only grows, which the server remembers for a week: what had no answer, or is sent by two, is done once, even if its jobs
have run and were forgotten in between.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import msgspec

from localq.exceptions import StoreBusy, StoreError, StoreFull
from localq.model.edges import Edge, OnError, Passing
from localq.model.job import NewJob
from localq.store.protocol.jobs import Added

__all__ = ["Outbox", "Waiting", "waiting"]

_TABLE = """
CREATE TABLE IF NOT EXISTS waiting (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    number INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    jobs BLOB NOT NULL
)
"""
#: Rows read at once, and seconds for which another's write is waited for.
_AT_ONCE, _PATIENCE_S = 50, 30.0
#: Seconds between two tries to send: the first, and the longest.
_PAUSE_S, _LONGEST_S = 0.2, 2.0

_AFTER = NewJob._fields.index("after")

Send = Callable[[Sequence[NewJob], int, str, int], list[Added]]


class Waiting(NamedTuple):
    """What waits in an outbox: how many calls, and when the first of them was made; None: none."""

    calls: int
    since: int | None


class Outbox:
    """Adds jobs by way of a file where the server is away.

    Args:
        path: The file; made when it is first needed.
        send: Adds jobs on the server, under a sender's name and a number.
    """

    def __init__(self, path: str, send: Send) -> None:
        self._path, self._send = path, send
        self.renew()

    def renew(self) -> None:
        """Be another sender: in a forked child, what the parent's threads do is theirs."""
        self._sender, self._number = os.urandom(8).hex(), 0
        self._lock = threading.Lock()
        #: Whether something of this sender waits: what comes after must not be sent before it.
        self._held_back = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, jobs: Sequence[NewJob], now: int) -> list[Added]:
        """Add jobs on the server, or keep them on this machine's disk until that can be done.

        Raises:
            StoreFull: neither is possible.
        """
        with self._lock:
            self._number += 1
            if not self._held_back:
                try:
                    return self._send(jobs, now, self._sender, self._number)
                except StoreBusy:
                    pass
            self._keep(jobs, now)
            self._held_back = True
        self.look()
        return [Added(new.id, True) for new in jobs]

    def _keep(self, jobs: Sequence[NewJob], now: int) -> None:
        try:
            with _opened(self._path) as file:
                row = (self._sender, self._number, now, _packed(jobs))
                file.execute("INSERT INTO waiting (sender, number, added_at, jobs) VALUES (?, ?, ?, ?)", row)
        except (sqlite3.Error, OSError) as error:
            raise StoreFull(
                f"The server is away, and the outbox {self._path} cannot be written: {error}. Nothing was enqueued."
            ) from error

    # Sending

    def look(self) -> None:
        """Begin to send what waits, if there is anything."""
        with self._lock:
            if (self._thread is None or not self._thread.is_alive()) and waiting(self._path).calls:
                self._stop = threading.Event()
                self._thread = threading.Thread(target=self._send_all, name="localq-outbox", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Send no more; what waits stays in the file."""
        thread = self._thread
        self._stop.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _send_all(self) -> None:
        stop, pause = self._stop, _PAUSE_S
        while not stop.is_set():
            try:
                if not self._send_some(stop):
                    return
                pause = _PAUSE_S
            except (StoreError, sqlite3.Error, OSError):
                # Of what is wrong its owner is told by doctor: there is nobody here to be told.
                stop.wait(pause)
                pause = min(2 * pause, _LONGEST_S)

    def _send_some(self, stop: threading.Event) -> bool:
        """Send rows in their order; return False once there are none."""
        with _opened(self._path) as file:
            rows = file.execute("SELECT * FROM waiting ORDER BY place LIMIT ?", (_AT_ONCE,)).fetchall()
        for place, sender, number, added_at, packed in rows:
            if stop.is_set():
                return True
            self._send(_jobs(packed), added_at, sender, number)
            with _opened(self._path) as file:
                file.execute("DELETE FROM waiting WHERE place = ?", (place,))
        with self._lock:
            # None can be kept meanwhile.
            empty = not waiting(self._path).calls
            self._held_back = self._held_back and not empty
            if empty:
                self._thread = None
        return not empty


def waiting(path: str) -> Waiting:
    """Return what waits in an outbox; it is not made if there is none."""
    if not os.path.exists(path):
        return Waiting(0, None)
    with _opened(path) as file:
        return Waiting(*file.execute("SELECT count(*), min(added_at) FROM waiting").fetchone())


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction, which is on the disk at the end; nothing of it is kept over a fork."""
    with closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as file:
        file.execute("PRAGMA synchronous = FULL")
        with file:
            file.execute(_TABLE)
            yield file


def _packed(jobs: Sequence[NewJob]) -> bytes:
    return msgspec.msgpack.encode([tuple(new)[:-1] for new in jobs])


def _jobs(packed: bytes) -> list[NewJob]:
    found = []
    for row in msgspec.msgpack.decode(packed):
        after = tuple(Edge(awaited, Passing(passing), OnError(on_error)) for awaited, passing, on_error in row[_AFTER])
        found.append(NewJob._make([*row[:_AFTER], after, *row[_AFTER + 1 :], None]))
    return found
