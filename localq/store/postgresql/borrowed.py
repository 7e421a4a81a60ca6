"""A connection of the user's to the store's own database: jobs are written in the transaction that it is in."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from localq.exceptions import ImproperlyConfigured, StoreError
from localq.store.postgresql.connection import teach_values
from localq.store.postgresql.dialect import POSTGRESQL
from localq.store.postgresql.errors import explained
from localq.store.postgresql.place import Address
from localq.store.postgresql.texts import StoreCursor
from localq.store.sql.database import Database
from localq.store.sql.lent import driver_connection

__all__ = ["BorrowedDatabase"]

_OPEN = (TransactionStatus.INTRANS, TransactionStatus.ACTIVE)


class BorrowedDatabase(Database):
    """The database of a store, by a connection whose transaction is its owner's to commit.

    Each verb is whole or not there, by a savepoint, whatever its owner does with an error. New jobs, and workflows of
    them, are written beside all others; what concerns jobs that are there already holds others up until the owner's
    commit.

    Args:
        given: A connection of psycopg, or of SQLAlchemy or Django by psycopg, or a session of SQLAlchemy.
        identity: The store's own id.

    Raises:
        ImproperlyConfigured: it is no such connection, or one to another database.
        StoreError: it commits each statement by itself.
    """

    together = True

    def __init__(self, given: Any, address: Address, identity: str) -> None:
        super().__init__(POSTGRESQL)
        self._given, self._address, self._identity = given, address, identity
        self._own: Any = None
        self._inside = False
        self._path = ""
        self._begin()

    @property
    def over(self) -> bool:
        """Whether the transaction has ended."""
        connection = self._own.connection
        return bool(connection.closed) or connection.info.transaction_status not in _OPEN

    def open(self) -> None:
        """Do nothing: it is open."""

    def close(self) -> None:
        """Do nothing: whose it is closes it."""

    def connected(self) -> Any:
        """Return a cursor in the transaction that the owner is in by now, begun where there is none."""
        self._begin()
        return self._own

    def _begin(self) -> None:
        connection = driver_connection(self._given, psycopg.Connection)
        if not isinstance(connection, psycopg.Connection):
            raise ImproperlyConfigured(
                f"Jobs cannot be added by {self._given!r:.200}: give a connection of psycopg, of SQLAlchemy or Django "
                "by psycopg (postgresql+psycopg://), or a session of SQLAlchemy; none of asyncio, and none of psycopg2."
            )
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            raise StoreError(
                "The connection is in no transaction and commits each statement by itself, so that jobs would not be "
                "one commit with anything. Begin a transaction first: connection.transaction(), or "
                "transaction.atomic() of Django."
            )
        if self._own is None or self._own.connection is not connection:
            own = StoreCursor(connection, row_factory=tuple_row)
            teach_values(own)
            self._check_place(own)
            self._own = own

    def _check_place(self, cursor: Any) -> None:
        """Refuse a connection to another database, and leave the transaction as it is."""
        schema = self._address.schema
        cursor.execute("SAVEPOINT localq", prepare=False)
        try:
            found = cursor.execute(f"SELECT value FROM {schema}.meta WHERE name = 'uuid'").fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName, errors.InsufficientPrivilege):
            found = None
        cursor.execute("ROLLBACK TO SAVEPOINT localq", prepare=False)
        cursor.execute("RELEASE SAVEPOINT localq", prepare=False)
        if found is None or found[0] != self._identity:
            info = cursor.connection.info
            raise ImproperlyConfigured(
                f"The connection is to the database {info.dbname!r} at {info.host or 'a socket'}, and the jobs are in "
                f"the schema {schema} of {self._address.name}: rows and jobs are one commit only in one database. "
                "Connect to that, with a user who may use the schema, or give LocalQ the URL of the other."
            )

    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a part of the transaction that can be undone alone."""
        cursor.execute("SAVEPOINT localq", prepare=False)
        self._inside = True
        # The owner's own statements find what they did before.
        (self._path,) = cursor.execute("SELECT current_setting('search_path')").fetchone()
        self._look_in(cursor, self._address.schema)
        if write and not beside:
            cursor.execute(f"SELECT pg_advisory_xact_lock({self._address.lock})", prepare=False)

    def _look_in(self, cursor: Any, path: str) -> None:
        cursor.execute("SELECT set_config('search_path', $1, true)", (path,))

    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement; return the rows written."""
        with self._beside as cursor:
            return int(cursor.execute(text, values).rowcount)

    def commit(self) -> None:
        """Let the part belong to the transaction."""
        self._look_in(self._own, self._path)
        self._own.execute("RELEASE SAVEPOINT localq", prepare=False)
        self._inside = False

    def rollback(self) -> None:
        """Undo the part."""
        inside, self._inside = self._inside, False
        if inside and not self._own.connection.closed:
            self._own.execute("ROLLBACK TO SAVEPOINT localq", prepare=False)
            self._own.execute("RELEASE SAVEPOINT localq", prepare=False)

    def explained(self, error: BaseException) -> BaseException:
        """Return what an error means for the store."""
        return explained(error, self._address.name)

    def changed(self) -> bool:
        """Tell of no change: nobody waits for one by this connection."""
        return False

    def tend(self, now: int) -> None:
        """Do nothing: the store's own connection does."""

    def borrowed(self, connection: Any) -> BorrowedDatabase:
        """Return another connection to the same database."""
        return BorrowedDatabase(connection, self._address, self._identity)
