"""SQL in PostgreSQL's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGDialect
from sqlalchemy.types import TypeEngine

from localq.store.sql.schema import job
from localq.store.sql.words import Given, SqlWords

__all__ = ["POSTGRESQL_WORDS", "PostgresqlWords"]

#: Lists of names; those of others are of keys.
_OF_NAMES = frozenset({"names", "sources", "tasks"})


class _Tables(PGDDLCompiler):
    """The columns of tables."""

    def get_column_specification(self, column: Column[Any], **options: Any) -> str:
        # Names are compared byte by byte, whatever the database's language: skipping in indexes and paging rest on it.
        said: str = super().get_column_specification(column, **options)  # type: ignore[no-untyped-call]
        return said.replace(" TEXT", ' TEXT COLLATE "C"', 1) if isinstance(column.type, Text) else said


class _Compiler(PGDialect):
    ddl_compiler = _Tables
    supports_statement_cache = True


class PostgresqlWords(SqlWords):
    """See `localq.store.sql.words.SqlWords`."""

    def __init__(self) -> None:
        self.compiler = _Compiler(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

    def insert(self, table: Table) -> Any:
        """Return PostgreSQL's insert."""
        return postgresql.insert(table)

    def different(self, column: ColumnElement[Any], where: Sequence[ColumnElement[bool]]) -> Select[Any]:
        """Return a query that goes from one value to the next in the index."""
        found = select(func.min(column).label("value")).where(*where).cte("found", recursive=True)
        following = select(func.min(column)).where(*where, column > found.c.value).scalar_subquery()
        found = found.union_all(select(following).where(found.c.value.is_not(None)))
        return select(found.c.value).where(found.c.value.is_not(None))

    def outermost(self, column: ColumnElement[Any], where: Sequence[ColumnElement[bool]]) -> list[ColumnElement[Any]]:
        """Return an array of all values, and NULL."""
        every = self.different(column, where)
        return [func.array(every.scalar_subquery(), type_=ARRAY(Text)), null()]

    def locked(self, rows: Select[Any]) -> Select[Any]:
        """Return a query that locks the jobs it finds."""
        return rows.with_for_update(of=job)

    def listed(self, name: str) -> Any:
        """Return the values of a parameter, which is an array."""
        kind = ARRAY(Text if name in _OF_NAMES else BigInteger)
        return select(func.unnest(cast(bindparam(name), kind))).scalar_subquery()

    def given(self, kinds: Mapping[str, TypeEngine[Any]]) -> Given:
        """Return the columns of arrays side by side."""
        lists = [cast(bindparam(name), ARRAY(kind)) for name, kind in kinds.items()]
        rows = func.unnest(*lists).table_valued(*kinds, name="given").render_derived()
        return rows.c.__getitem__

    def members(self, column: ColumnElement[Any]) -> Any:
        """Return the values of a column, which has JSON."""
        return select(func.jsonb_array_elements_text(cast(column, postgresql.JSONB))).scalar_subquery()

    def larger(self, one: Any, other: Any) -> ColumnElement[Any]:
        """Return the larger of two numbers."""
        return func.greatest(one, other)

    def has(self, column: ColumnElement[Any], part: ColumnElement[bytes]) -> ColumnElement[bool]:
        """Return the condition that bytes hold others."""
        return func.position(part.op("IN")(column)) > literal_column("0")

    def chosen(self, column: ColumnElement[Any], rows: Select[Any]) -> ColumnElement[bool]:
        """Return the condition that rows were found, of which none is that another transaction has in hand.

        As an array the query is run once, whatever plan is taken for the rest.
        """
        free = rows.with_for_update(skip_locked=True).scalar_subquery()
        return column == func.any(func.array(free))

    def free(self, these: ColumnElement[bool], column: ColumnElement[Any], rows: Select[Any]) -> ColumnElement[bool]:
        """Return the condition of those that no other transaction has in hand."""
        return self.chosen(column, rows)


POSTGRESQL_WORDS = PostgresqlWords()
