"""A database as the verbs of `SqlStore` see it: one connection, its transactions, and what a kind must provide.

One connection serves a store object, under a lock: transactions are short, so that threads wait microseconds.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn

from sqlalchemy import Dialect

from localq.store.sql.job_statements import statements
from localq.store.sql.statement import Statement

__all__ = ["Database", "Transaction"]


class Transaction:
    """A transaction of a store: begins, and commits or rolls back; errors leave as StoreErrors.

    The store's lock is taken around it, by itself: a signal that hits on the way into `__exit__` must not leave
    the lock taken.
    """

    __slots__ = ("_store", "_write")

    def __init__(self, store: Database, write: bool) -> None:
        self._store = store
        self._write = write

    def __enter__(self) -> Any:
        store = self._store
        try:
            cursor = store._cursor or store._connected()
            store._begin(cursor, self._write)
        except BaseException as error:
            store._rollback()
            store._raise(error)
        return cursor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        store = self._store
        if error is None:
            try:
                store._commit()
            except BaseException as failed:
                store._rollback()
                store._raise(failed)
        else:
            store._rollback()
            explained = store._explained(error)
            if explained is not error:
                raise explained from error
        return False


class Database(ABC):
    """A connection, made when first needed, and transactions on it; a subclass for each kind of database."""

    #: Folder for presence files and bells, there once the store is open.
    folder: Path

    def __init__(self, dialect: Dialect) -> None:
        self._sql = statements(dialect)
        self._dialect = dialect
        self._lock = threading.RLock()
        self._cursor: Any = None
        self._writing = Transaction(self, True)
        self._reading = Transaction(self, False)

    # What a database must provide

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _begin(self, cursor: Any, write: bool) -> None: ...

    @abstractmethod
    def _write_one(self, text: str, values: tuple[Any, ...]) -> int: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None: ...

    @abstractmethod
    def _explained(self, error: BaseException) -> BaseException: ...

    @abstractmethod
    def changed(self) -> bool: ...

    @abstractmethod
    def tend(self, now: int) -> None: ...

    def _added(self, count: int) -> None:  # noqa: B027 - nothing to do is a fair answer
        """Do what is due after so many jobs were added, if no worker does it; raises nothing."""

    # What the verbs stand on

    def _connected(self) -> Any:
        self.open()
        return self._cursor

    def _raise(self, error: BaseException) -> NoReturn:
        explained = self._explained(error)
        if explained is error:
            raise error
        raise explained from error

    @staticmethod
    def _run(cursor: Any, statement: Statement, **given: Any) -> Any:
        cursor.execute(statement.text, statement.values(given))
        return cursor
