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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from localq.exceptions import ImproperlyConfigured, StoreBusy
from localq.store.forks import keep_for_ever
from localq.store.host_folder import host_folder
from localq.store.postgresql.borrowed import BorrowedDatabase
from localq.store.postgresql.connection import Connection, connect, settings
from localq.store.postgresql.dialect import POSTGRESQL, WRITTEN
from localq.store.postgresql.errors import explained, is_away, is_passing
from localq.store.postgresql.place import read_address
from localq.store.postgresql.tables import identity_of, make
from localq.store.sql.database import Database, Made
from localq.store.sql.statement import ManyRows

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
        self._said = settings(self.address, durability, patience_s)
        self._seen = 0
        self._inside = False
        #: Whether a pooler stands between, so that each transaction may be in another session.
        self.pooled = False

    # Opening and closing

    def open(self) -> None:
        """Connect; make the schema and its tables, or check them."""
        with self.lock:
            if self.cursor is not None:
                return
            try:
                connection = self._connection = self._connected()
                self.pooled = connection.prepare_threshold is None
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
            cursor = connection.cursor()
            cursor.execute(f"SET LOCAL search_path TO {self.address.schema}", prepare=False)
            return make(cursor, self.address)

    def _connected(self) -> Connection:
        """Connect; a connection there was before is tried for a while."""
        until = time.monotonic() + (_AGAIN_S if self.identity else 0.0)
        while True:
            try:
                return connect(self.address, self._said)
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
        text = self._beginning(write, beside)
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

    def _beginning(self, write: bool, beside: bool) -> str:
        """Return the statements that begin a transaction."""
        words = ["BEGIN" if write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
        if self.pooled:
            words += [f"SET LOCAL {name} TO {value}" for name, value in self._said.items()]
        if write:
            words.append(f"SELECT pg_advisory_xact_lock{'_shared' if beside else ''}({self.address.lock})")
        return "; ".join(words)

    def beside_others(self, verb: Callable[[Any, bool], Made]) -> Made:
        """Run a verb side by side with others; where the server broke it off, again, for some seconds.

        Of two that wait for each other it breaks one off, and all when it restarts.
        """
        beside = super().beside_others
        return self._again(lambda: beside(verb))

    def alone(self, verb: Callable[[Any], Made]) -> Made:
        """Run a verb alone; where the server broke it off, again, for some seconds."""
        alone = super().alone
        return self._again(lambda: alone(verb))

    def _again(self, verb: Callable[[], Made]) -> Made:
        until = time.monotonic() + _AGAIN_S
        while True:
            try:
                return verb()
            except StoreBusy as error:
                if not is_passing(error.__cause__) or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.01, 0.1))

    def write_rows(self, statement: ManyRows, rows: Sequence[Sequence[Any]]) -> list[bool]:
        """Run a statement that writes many rows as a transaction of its own; return which were written."""
        return self._again(lambda: self._by_itself(lambda cursor: statement.hits(cursor, rows)))

    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement as a transaction of its own; return the rows written. The caller locks."""
        return self._by_itself(lambda cursor: int(cursor.execute(text, values).rowcount))

    def read_one(self, text: str, values: tuple[Any, ...]) -> Any:
        """Run one reading statement as a transaction of its own; return its row, or None."""
        return self._by_itself(lambda cursor: cursor.execute(text, values).fetchone())

    def _by_itself(self, said: Callable[[Any], Made]) -> Made:
        """Run a statement as a transaction of its own; where the connection is lost, once more by another.

        What had no answer may be there: it is of a verb that may be said again.
        """
        with self.lock:
            try:
                try:
                    return self._once(said)
                except psycopg.Error as error:
                    if not is_away(error):
                        raise
                self._disconnect()
                return self._once(said)
            except BaseException as error:
                self.rollback()
                self.fail(error)

    def _once(self, said: Callable[[Any], Made]) -> Made:
        cursor = self.cursor or self.connected()
        if cursor.connection.info.transaction_status != TransactionStatus.IDLE:
            self.rollback()
            cursor = self.cursor or self.connected()
        if not self.pooled:
            return said(cursor)
        with cursor.connection.transaction():
            local = [f"SET LOCAL {name} TO {value}" for name, value in self._said.items()]
            cursor.execute("; ".join(local), prepare=False)
            return said(cursor)

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
        return explained(error, self.address.name, known=bool(self.identity))

    def borrowed(self, connection: Any) -> Database:
        """Return the database by a connection of the user's; see `Database`."""
        self.open()
        return BorrowedDatabase(connection, self.address, self.identity)

    # Looking

    def changed(self) -> bool:
        """Whether anybody has written since last asked; others' programs on the same server count too."""
        now = int(self.asked(WRITTEN))
        with self.lock:
            self._seen, before = now, self._seen
        return now != before

    def clock(self) -> int:
        """Return the server's time in microseconds, which is that of leases for all hosts."""
        return int(self.asked("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))

    def asked(self, text: str, values: tuple[Any, ...] = ()) -> Any:
        """Return the one value that a statement finds, in a transaction if one is open, else outside any."""

        def answer(cursor: Any) -> Any:
            found = cursor.connection.execute(text, values).fetchone()
            return None if found is None else found[0]

        with self.lock:
            if not self._inside:
                return self._by_itself(answer)
            try:
                return answer(self.cursor)
            except psycopg.Error as error:
                self.fail(error)

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
