"""One PostgreSQL schema: the connection of a process, its transactions, and what a lost connection means.

What SQLite's one writer gives by itself is had by an advisory lock of the schema. Verbs that take and end jobs share
it, and part rows among them by row locks (SKIP LOCKED); all others hold it alone, and see the store as if there were
no other writer. It is let go with the commit. What only reads takes no lock, and sees one moment.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from localq.exceptions import ImproperlyConfigured, StoreBusy
from localq.store.forks import keep_for_ever
from localq.store.host_folder import host_folder
from localq.store.postgresql.connection import Connection, connect
from localq.store.postgresql.dialect import POSTGRESQL
from localq.store.postgresql.errors import explained, is_away
from localq.store.postgresql.place import read_address
from localq.store.postgresql.tables import identity_of, make
from localq.store.sql.database import Database

__all__ = ["LOCK_TIMEOUT_S", "PostgresqlDatabase"]

#: Seconds a writer waits for others before it gives up.
LOCK_TIMEOUT_S = 30.0
#: Seconds for which a connection that was lost is tried to be had again.
_AGAIN_S = 5.0
_DURABILITY = ("full", "normal")


class PostgresqlDatabase(Database):
    """A schema of a PostgreSQL database.

    Args:
        durability: "full" waits at every commit until it is on the server's disk; "normal" does not, and may lose the
            last commits when the server's machine goes down.
        patience_s: Seconds to wait for other writers.
    """

    together = True

    def __init__(self, url: str, durability: str = "full", patience_s: float = LOCK_TIMEOUT_S) -> None:
        super().__init__(POSTGRESQL)
        if durability not in _DURABILITY:
            raise ImproperlyConfigured(f"durability is {durability!r}; it must be 'full' or 'normal'")
        self.address = read_address(url)
        self.durability, self._patience_s = durability, patience_s
        #: Once the database is open: its own id, and the folder of its workers on this computer.
        self.identity = ""
        self.folder: Path
        self._connection: Connection | None = None
        self._seen = 0
        self._inside = False
        lock = self.address.lock
        self._begin = {
            (True, False): f"BEGIN; SELECT pg_advisory_xact_lock({lock})",
            (True, True): f"BEGIN; SELECT pg_advisory_xact_lock_shared({lock})",
            (False, False): "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }

    # Opening and closing

    def open(self) -> None:
        """Connect; make the schema and its tables, or check them."""
        with self.lock:
            if self.cursor is not None:
                return
            try:
                connection = self._connection = self._connected()
                cursor = connection.cursor()
                identity = identity_of(cursor, self.address)
                if identity is None:
                    identity = self._made(connection)
                self.identity, self.folder = identity, host_folder(identity)
                self.cursor = cursor
            except BaseException as error:
                self._disconnect()
                self.fail(error)

    def _made(self, connection: Connection) -> str:
        """Make the tables; return the new store's own id."""
        with connection.transaction():
            return make(connection.cursor(), self.address)

    def _connected(self) -> Connection:
        """Connect; a connection there was before is tried for a while."""
        until = time.monotonic() + (_AGAIN_S if self.identity else 0.0)
        while True:
            try:
                return connect(self.address, self.durability, self._patience_s)
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.05, 0.3))

    def close(self) -> None:
        """Let go of the connection; the next verb makes another."""
        with self.lock:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection, self.cursor = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def __del__(self) -> None:
        if "_connection" in self.__dict__:
            self._disconnect()

    # Transactions

    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a transaction; one that writes waits for others here. A connection that is gone is made anew."""
        text = self._begin[write, beside]
        if cursor.connection.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
            # An exception from a signal handler came between a verb's end and its commit.
            self.rollback()
        try:
            (self.cursor or self.connected()).execute(text, prepare=False)
        except psycopg.Error as error:
            if not is_away(error):
                raise
            self._disconnect()
            self.connected().execute(text, prepare=False)
        self._inside = True

    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement as a transaction of its own; return the rows written. The caller locks."""
        try:
            try:
                return int(self._one(text, values).rowcount)
            except psycopg.Error as error:
                if not is_away(error):
                    raise
            # What had no answer may be there: it is a verb that may be said again.
            self._disconnect()
            return int(self._one(text, values).rowcount)
        except BaseException as error:
            self.rollback()
            self.fail(error)

    def _one(self, text: str, values: tuple[Any, ...]) -> Any:
        cursor = self.cursor or self.connected()
        if cursor.connection.info.transaction_status != TransactionStatus.IDLE:
            self.rollback()
            cursor = self.cursor or self.connected()
        return cursor.execute(text, values)

    def commit(self) -> None:
        """Commit the transaction."""
        cursor, self._inside = self.cursor, False
        if cursor is None:
            raise StoreBusy(f"The connection to {self.address.name} was lost; nothing was changed. Try again.")
        cursor.execute("COMMIT", prepare=False)
        if cursor.statusmessage == "ROLLBACK":
            raise StoreBusy(f"{self.address.name} undid a transaction that had failed before. Try again.")

    def rollback(self) -> None:
        """Undo the transaction, if there is one; a connection that is in the middle of something is let go."""
        connection, self._inside = self._connection, False
        if connection is None:
            return
        status = connection.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            try:
                connection.execute("ROLLBACK", prepare=False)
            except psycopg.Error:
                self._disconnect()
        elif status != TransactionStatus.IDLE:
            self._disconnect()

    def explained(self, error: BaseException) -> BaseException:
        """Return what an error means for the store."""
        return explained(error, self.address.name)

    def borrowed(self, connection: Any) -> Database:
        """Refuse: the store shares no transaction."""
        raise ImproperlyConfigured(
            f"Jobs in {self.address.name} cannot be added by a connection of yours: a store on PostgreSQL has its own. "
            "Add them after your commit."
        )

    # Looking

    def changed(self) -> bool:
        """Whether anybody has written since last asked; others' programs on the same server count too."""
        now = int(self.asked("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
        with self.lock:
            self._seen, before = now, self._seen
        return now != before

    def clock(self) -> int:
        """Return the server's time in microseconds, which is that of leases for all hosts."""
        return int(self.asked("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))

    def asked(self, text: str, values: tuple[Any, ...] = ()) -> Any:
        """Return the one value that a statement finds, in a transaction if one is open, else outside any."""
        with self.lock:
            try:
                return self._answer(text, values)
            except psycopg.Error as error:
                if self._inside or not is_away(error):
                    self.fail(error)
            self._disconnect()
            try:
                return self._answer(text, values)
            except psycopg.Error as error:
                self.fail(error)

    def _answer(self, text: str, values: tuple[Any, ...]) -> Any:
        connection = (self.cursor or self.connected()).connection
        found = connection.execute(text, values).fetchone()
        return None if found is None else found[0]

    def tend(self, now: int) -> None:
        """Do nothing: the server sweeps by itself."""

    # Forks

    def hold(self, timeout_s: float) -> threading.RLock | None:
        """Take the lock for a fork, and return it; see `localq.store.forks`."""
        lock = self.lock
        return lock if lock.acquire(timeout=timeout_s) else None

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: leave the inherited connection alone, and start with none."""
        for inherited in (self._connection, self.cursor):
            if inherited is not None:
                keep_for_ever(inherited)
        self._connection = self.cursor = None
        self.lock = threading.RLock()
