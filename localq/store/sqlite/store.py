"""Jobs in one SQLite file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from localq.host.neighbours import Neighbours
from localq.store.forks import Held, watch
from localq.store.sql.store import Parts, SqlStore
from localq.store.sqlite.bells import HostBells, HostEvents, HostRinger
from localq.store.sqlite.busy import BUSY_TIMEOUT_S
from localq.store.sqlite.database import SqliteDatabase

__all__ = ["SqliteStore"]


def steady_us() -> int:
    """Return microseconds that never jump, the same for all processes of one boot."""
    return time.monotonic_ns() // 1000


class SqliteStore(SqlStore):
    """Jobs in a SQLite file, or in memory for one process; see `SqliteDatabase`.

    Args:
        steady: The clock of leases, in microseconds.
    """

    database: SqliteDatabase

    def __init__(
        self,
        path: str | os.PathLike[str],
        durability: str = "full",
        patience_s: float = BUSY_TIMEOUT_S,
        steady: Callable[[], int] = steady_us,
    ) -> None:
        self._over(SqliteDatabase(path, durability, patience_s), steady)

    def _over(self, database: SqliteDatabase, steady: Callable[[], int] = steady_us) -> None:
        self._ringer = HostRinger(database)
        neighbours = Neighbours(lambda: None if database.memory else database.folder)
        parts = Parts(HostBells(self._ringer), HostEvents(self._ringer), neighbours, steady)
        super().__init__(database, parts, name=database.path, shared=not database.memory)
        watch(self)

    def close(self) -> None:
        """Let go of the file; the next verb opens it again. A store in memory forgets everything."""
        with self.database.lock:
            self._ringer.stop()
            self.database.close()

    def hold(self, timeout_s: float) -> Held | None:
        """Take the database's locks for a fork, and return them; see `localq.store.forks`."""
        return self.database.hold(timeout_s)

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: start with nothing of what was inherited."""
        self._ringer.stop()
        self.database.leave_to_parent(held=held)
