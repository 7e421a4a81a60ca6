"""A database as the verbs of `SqlStore` see it: one connection, its transactions, and what a kind must provide.

One connection serves a store object, under a lock: transactions are short, so that threads wait microseconds.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar

from localq.store.sql.dialect import SqlDialect
from localq.store.sql.statement import ManyRows

__all__ = ["Database", "NotAlone", "Transaction"]

Made = TypeVar("Made")


class NotAlone(Exception):
    """A verb found that nobody else may write while it does."""


class Transaction:
    """A transaction of a store: begins, and commits or rolls back; errors leave as StoreErrors.

    The store's lock is taken around it, by itself: a signal that hits on the way into `__exit__` must not leave
    the lock taken.
    """

    __slots__ = ("_beside", "_database", "_write")

    def __init__(self, database: Database, write: bool, beside: bool = False) -> None:
        self._database, self._write, self._beside = database, write, beside

    def __enter__(self) -> Any:
        database = self._database
        try:
            cursor = database.cursor or database.connected()
            database.begin(cursor, self._write, self._beside)
        except BaseException as error:
            database.rollback()
            database.fail(error)
        # The connection may have been made anew.
        return database.cursor or cursor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        database = self._database
        if error is None:
            try:
                database.commit()
            except BaseException as failed:
                database.rollback()
                database.fail(failed)
        else:
            database.rollback()
            explained = database.explained(error)
            if explained is not error:
                raise explained from error
        return False


class Database(ABC):
    """A connection, made when first needed, and transactions on it; a subclass for each kind of database."""

    #: Whether several may write at once; one that must see no other writer then says so.
    together = False

    def __init__(self, dialect: SqlDialect) -> None:
        self.dialect = dialect
        self.lock = threading.RLock()
        #: The driver's own; None while there is no connection.
        self.cursor: Any = None
        self.writing = Transaction(self, True)
        self.reading = Transaction(self, False)
        self._beside = Transaction(self, True, True)

    # What a database must provide

    @abstractmethod
    def open(self) -> None:
        """Connect; make the tables, or check them."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; the next transaction makes another."""

    @abstractmethod
    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a transaction; one that writes waits for others here.

        Args:
            beside: It may write at the same time as others of its kind, where the database can do that.
        """

    @abstractmethod
    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement as a transaction of its own; return the rows written. The caller locks."""

    def read_one(self, text: str, values: tuple[Any, ...]) -> Any:
        """Run one reading statement, which finds one row at most, as a transaction of its own; return it, or None."""
        with self.lock, self.reading as cursor:
            return cursor.execute(text, values).fetchone()

    @abstractmethod
    def commit(self) -> None:
        """Commit the transaction."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo the transaction, if there is one."""

    @abstractmethod
    def explained(self, error: BaseException) -> BaseException:
        """Return the StoreError that says what an error means, or the error itself if it is none of the database's."""

    @abstractmethod
    def changed(self) -> bool:
        """Whether another connection has committed since last asked."""

    @abstractmethod
    def tend(self, now: int) -> None:
        """Do the database's own housekeeping."""

    @abstractmethod
    def borrowed(self, connection: Any) -> Database:
        """Return this database by a connection of the user's, in whose transaction it writes.

        Raises:
            ImproperlyConfigured: there can be no such connection, or this one is to another database.
            StoreError: it is in no transaction.
        """

    @property
    def over(self) -> bool:
        """Whether no transaction is open."""
        return True

    def added(self, count: int) -> None:  # noqa: B027 - nothing to do is a fair answer
        """Do what is due after so many jobs were added, if no worker does it; raises nothing."""

    # What the verbs stand on

    def beside_others(self, verb: Callable[[Any, bool], Made]) -> Made:
        """Run a verb on a cursor, in a transaction that may write at the same time as others of its kind.

        Where it finds by then that it must be alone (`NotAlone`), it is undone and run again, alone; the verb is told
        whether it is.
        """
        if self.together:
            try:
                with self.lock, self._beside as cursor:
                    return verb(cursor, False)
            except NotAlone:
                pass
        with self.lock, self.writing as cursor:
            return verb(cursor, True)

    def alone(self, verb: Callable[[Any], Made]) -> Made:
        """Run a verb on a cursor, in a transaction that sees no other writer but those of single statements."""
        with self.lock, self.writing as cursor:
            return verb(cursor)

    def write_rows(self, statement: ManyRows, rows: Sequence[Sequence[Any]]) -> list[bool]:
        """Run a statement that writes many rows as a transaction of its own; return which were written."""
        with self.lock, self._beside as cursor:
            return statement.hits(cursor, rows)

    def connected(self) -> Any:
        """Connect; return the cursor."""
        self.open()
        return self.cursor

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what an error means."""
        explained = self.explained(error)
        if explained is error:
            raise error
        raise explained from error
