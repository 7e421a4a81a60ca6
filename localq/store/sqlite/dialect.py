"""What a SQLite file gives the verbs of a store in SQL."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from localq.store.sql.dialect import SqlDialect
from localq.store.sql.statement import Statement
from localq.store.sqlite.compiled import TEXTS

__all__ = ["SQLITE"]


class SqliteDialect(SqlDialect):
    """See `localq.store.sql.dialect.SqlDialect`."""

    texts = TEXTS
    one_writer = True

    def bound(self, values: Iterable[Any]) -> str:
        """Return values as JSON."""
        return json.dumps(list(values))

    def let_go(self, cursor: Any, statement: Statement) -> None:
        """Give it nothing instead, and have it refused before it runs: the driver takes parameters one by one."""
        with contextlib.suppress(sqlite3.Error):
            cursor.execute(statement.text, (*(None for _ in statement.names[1:]), object()))

    def words(self) -> Any:
        """Return SQLite's words."""
        from localq.store.sqlite.words import SQLITE_WORDS

        return SQLITE_WORDS


SQLITE = SqliteDialect()
