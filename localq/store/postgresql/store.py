"""Jobs in one schema of a PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Callable

from localq.host.neighbours import Neighbours
from localq.store.forks import watch
from localq.store.postgresql.bells import NoticeBells, NoticeEvents, Switchboard
from localq.store.postgresql.database import LOCK_TIMEOUT_S, PostgresqlDatabase
from localq.store.sql.store import Parts, SqlStore

__all__ = ["PostgresqlStore"]


class PostgresqlStore(SqlStore):
    """Jobs in a PostgreSQL database; see `PostgresqlDatabase`.

    Args:
        steady: The clock of leases, in microseconds; None: the server's.
    """

    database: PostgresqlDatabase

    def __init__(
        self,
        url: str,
        durability: str = "full",
        patience_s: float = LOCK_TIMEOUT_S,
        steady: Callable[[], int] | None = None,
    ) -> None:
        self._over(PostgresqlDatabase(url, durability, patience_s), steady)

    def _over(self, database: PostgresqlDatabase, steady: Callable[[], int] | None = None) -> None:
        self._board = Switchboard(database)
        neighbours = Neighbours(lambda: database.folder, all_here=False)
        parts = Parts(NoticeBells(self._board), NoticeEvents(self._board), neighbours, steady or database.clock)
        super().__init__(database, parts, name=database.address.name, shared=True)
        watch(self)

    def close(self) -> None:
        """Let go of the connections; the next verb makes others."""
        self._board.stop()
        self.database.close()

    def hold(self, timeout_s: float) -> threading.RLock | None:
        """Take the database's lock for a fork, and return it; see `localq.store.forks`."""
        return self.database.hold(timeout_s)

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: start with nothing of what was inherited."""
        self._board.leave_to_parent()
        self.database.leave_to_parent(held=held)
