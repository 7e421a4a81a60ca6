"""SQL in PostgreSQL's words: a second dialect, by which it shows that the statements know no first.

It is what a store on PostgreSQL would begin with; there is no `Database` to it yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql

from localq.store.sql.dialect import SqlDialect

__all__ = ["POSTGRESQL", "PostgresqlDialect"]

#: Lists of names; those of others are of keys.
_OF_NAMES = frozenset({"names", "sources", "tasks"})


class PostgresqlDialect(SqlDialect):
    """See `localq.store.sql.dialect.SqlDialect`."""

    def __init__(self) -> None:
        self.compiler = postgresql.dialect(paramstyle="numeric_dollar")

    def insert(self, table: Table) -> Any:
        return postgresql.insert(table)

    def listed(self, name: str) -> Any:
        kind = ARRAY(Text if name in _OF_NAMES else BigInteger)
        return select(func.unnest(bindparam(name, type_=kind))).scalar_subquery()

    def bound(self, values: Iterable[Any]) -> list[Any]:
        return list(values)

    def members(self, column: ColumnElement[Any]) -> Any:
        return select(func.unnest(func.string_to_array(column, "\n"))).scalar_subquery()

    def larger(self, one: Any, other: Any) -> ColumnElement[Any]:
        return func.greatest(one, other)

    def has(self, column: ColumnElement[Any], part: bytes) -> ColumnElement[bool]:
        return func.position(literal(part, LargeBinary).op("IN")(column)) > literal_column("0")


POSTGRESQL = PostgresqlDialect()
