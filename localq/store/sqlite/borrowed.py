"""A connection of the user's to the store's own file: jobs are written in the transaction that it is in."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from localq.exceptions import ImproperlyConfigured, StoreError
from localq.store.sql.database import Database
from localq.store.sql.lent import driver_connection
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.errors import explained

__all__ = ["BorrowedDatabase"]


class BorrowedDatabase(Database):
    """The database of a store, by a connection whose transaction is its owner's to commit.

    Each verb is whole or not there, by a savepoint, whatever its owner does with an error.

    Args:
        given: A connection of `sqlite3`, or of SQLAlchemy or Django, or a session of SQLAlchemy.
        path: The store's file.

    Raises:
        ImproperlyConfigured: it is no such connection, or one to another file.
        StoreError: it commits each statement by itself.
    """

    def __init__(self, given: Any, path: str) -> None:
        super().__init__(SQLITE)
        self._given, self._path, self._inside = given, path, False
        self._own: sqlite3.Cursor | None = None
        _check_transaction(self._taken())

    @property
    def over(self) -> bool:
        """Whether the transaction has ended."""
        assert self._own is not None
        try:
            return not self._own.connection.in_transaction
        except sqlite3.ProgrammingError:
            # Its owner has closed it.
            return True

    def open(self) -> None:
        """Do nothing: it is open."""

    def close(self) -> None:
        """Do nothing: whose it is closes it."""

    def connected(self) -> Any:
        """Return a cursor in the transaction that the owner is in by now, begun where there is none.

        Whoever commits may go on with another: a session even with another connection of the driver's, and
        SQLAlchemy commits none that it has not begun itself.
        """
        connection = self._taken()
        _check_transaction(connection)
        if not connection.in_transaction:
            # As the driver would with the first row that is written.
            connection.execute("BEGIN IMMEDIATE")
        return self._own

    def _taken(self) -> sqlite3.Connection:
        """Return the driver's connection as it is now, with a cursor of our own."""
        connection = _driver_connection(self._given)
        if self._own is None or self._own.connection is not connection:
            _check_file(connection, self._path)
            self._own = connection.cursor(sqlite3.Cursor)
            # Rows as their owner wants them are no rows for us.
            self._own.row_factory = None
        return connection

    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a part of the transaction that can be undone alone."""
        cursor.execute("SAVEPOINT localq")
        self._inside = True

    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement; return the rows written."""
        try:
            written: int = self.connected().execute(text, values).rowcount
        except sqlite3.Error as error:
            self.fail(error)
        return written

    def commit(self) -> None:
        """Let the part belong to the transaction."""
        assert self._own is not None
        self._own.execute("RELEASE localq")
        self._inside = False

    def rollback(self) -> None:
        """Undo the part."""
        inside, self._inside = self._inside, False
        if inside and self._own is not None and not self.over:
            self._own.execute("ROLLBACK TO localq")
            self._own.execute("RELEASE localq")

    def explained(self, error: BaseException) -> BaseException:
        """Return what an error means for the file."""
        return explained(error, self._path)

    def changed(self) -> bool:
        """Tell of no change: nobody waits for one by this connection."""
        return False

    def tend(self, now: int) -> None:
        """Do nothing: the store's own connection does."""

    def borrowed(self, connection: Any) -> BorrowedDatabase:
        """Return another connection to the same file."""
        return BorrowedDatabase(connection, self._path)


def _driver_connection(given: Any) -> sqlite3.Connection:
    """Return the driver's connection within what users have."""
    found = driver_connection(given, sqlite3.Connection)
    if isinstance(found, sqlite3.Connection):
        return found
    raise ImproperlyConfigured(
        f"Jobs cannot be added by {given!r:.200}: give a connection of sqlite3, of SQLAlchemy or of Django to a SQLite "
        "file, or a session of SQLAlchemy; none of asyncio."
    )


def _check_file(connection: sqlite3.Connection, path: str) -> None:
    files = {row[1]: row[2] for row in sqlite3.Connection.execute(connection, "PRAGMA database_list").fetchall()}
    main = files["main"]
    if not main or os.path.realpath(main) != path:
        raise ImproperlyConfigured(
            f"The connection is to {main or 'a database in memory'!r}, and the jobs are in {path!r}: rows and jobs are "
            "one commit only in one file. Connect to that file, or give LocalQ the path of the other."
        )


def _check_transaction(connection: sqlite3.Connection) -> None:
    by_itself = connection.isolation_level is None or getattr(connection, "autocommit", None) is True
    if by_itself and not connection.in_transaction:
        raise StoreError(
            "The connection is in no transaction and commits each statement by itself, so that jobs would not be one "
            "commit with anything. Begin a transaction first: BEGIN, or transaction.atomic() of Django."
        )
