"""What a PostgreSQL server gives the verbs of a store in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localq.store.postgresql.arrays import Numbers, Texts
from localq.store.postgresql.compiled import TEXTS
from localq.store.sql.dialect import SqlDialect

__all__ = ["POSTGRESQL", "WRITTEN"]

#: Finds a number that is another once anybody has written, in whatever database of the server.
WRITTEN = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class PostgresqlDialect(SqlDialect):
    """See `localq.store.sql.dialect.SqlDialect`."""

    texts = TEXTS
    makes_indexes = False

    def bound(self, values: Iterable[Any]) -> Any:
        """Return values as an array."""
        found = tuple(values)
        return Texts(found) if found and isinstance(found[0], str) else Numbers(found)

    def words(self) -> Any:
        """Return PostgreSQL's words."""
        from localq.store.postgresql.words import POSTGRESQL_WORDS

        return POSTGRESQL_WORDS


POSTGRESQL = PostgresqlDialect()
