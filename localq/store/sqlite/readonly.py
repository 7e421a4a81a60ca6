"""A store's file as it is, for those who only look: `localq doctor`, and the check of a fresh backup.

Nothing is made, checked or refused on opening, so a damaged, foreign or newer file can be looked at too.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from localq.store.sql.database import Database
from localq.store.sqlite.database import SqliteDatabase
from localq.store.sqlite.store import SqliteStore

__all__ = ["ReadOnlyStore"]

#: Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
_STEPS = 2000


class _ReadOnly(SqliteDatabase):
    """A file that is never written; a missing one is not made.

    SQLite itself may leave an empty log beside a file that nobody else has open.

    Args:
        deadline_s: Seconds after which a question is given up; None: never.
    """

    def __init__(self, path: str | os.PathLike[str], deadline_s: float | None = None) -> None:
        super().__init__(path)
        self._deadline_s = deadline_s
        self._until = math.inf

    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a question, which may take so long."""
        if self._deadline_s is not None:
            self._until = time.monotonic() + self._deadline_s
        super().begin(cursor, write, beside)

    def read_one(self, text: str, values: tuple[Any, ...]) -> Any:
        """Ask a question of one statement."""
        return Database.read_one(self, text, values)

    def commit(self) -> None:
        """End a question."""
        super().commit()
        self._until = math.inf

    def rollback(self) -> None:
        """End a question that failed."""
        self._until = math.inf
        super().rollback()

    def open(self) -> None:
        """Open the file for reading, whatever it holds."""
        with self.lock:
            if self.cursor is None:
                try:
                    self._connection = self._driver()
                    self.cursor = self._connection.cursor()
                    self.folder = self._place.folder
                except BaseException as error:
                    self._disconnect()
                    self.fail(error)

    def _driver(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{Path(self.path).as_uri()}?mode=ro",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        if self._deadline_s is not None:
            connection.set_progress_handler(lambda: time.monotonic() > self._until, _STEPS)
        try:
            for pragma in ("query_only=ON", "mmap_size=0", "trusted_schema=OFF", "temp_store=MEMORY"):
                self._patiently(connection, f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection


class ReadOnlyStore(SqliteStore):
    """The facets of a store, on a file that is never written; only verbs that read work.

    Args:
        deadline_s: Seconds after which a question is given up, with a StoreError; None: never.
    """

    def __init__(self, path: str | os.PathLike[str], deadline_s: float | None = None) -> None:
        self._over(_ReadOnly(path, deadline_s))

    @property
    def path(self) -> str:
        """The file."""
        return self.database.path

    def inspect(self, pragma: str) -> list[tuple[Any, ...]]:
        """Run a reading pragma."""
        return self.database.inspect(pragma)

    def schema(self) -> set[tuple[str, str]]:
        """Return the kind and name of everything the file defines: tables, indexes, triggers, views."""
        found = self.database.executed(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        )
        return {(str(kind), str(name)) for kind, name in found}

    def identity(self) -> str | None:
        """Return the database's own id, or None."""
        found = self.database.executed("SELECT value FROM meta WHERE name = 'uuid'")
        return str(found[0][0]) if found else None
