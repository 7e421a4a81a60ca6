"""What a SQLite file gives the verbs of a store in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from localq.store.sql.dialect import SqlDialect
from localq.store.sqlite.compiled import TEXTS

__all__ = ["SQLITE"]


class SqliteDialect(SqlDialect):
    """See `localq.store.sql.dialect.SqlDialect`."""

    texts = TEXTS

    def bound(self, values: Iterable[Any]) -> str:
        """Return values as JSON."""
        return json.dumps(list(values))

    def words(self) -> Any:
        """Return SQLite's words."""
        from localq.store.sqlite.words import SQLITE_WORDS

        return SQLITE_WORDS


SQLITE = SqliteDialect()
