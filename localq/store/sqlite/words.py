"""SQL in SQLite's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteTypeCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.expression import TableClause

from localq.store.sql.schema import Key
from localq.store.sql.words import Given, SqlWords

__all__ = ["SQLITE_WORDS", "SqliteWords"]


class _Types(SQLiteTypeCompiler):
    """The types of columns."""

    def visit_big_integer(self, type_: Any, **_: Any) -> str:
        # SQLite makes only a column declared exactly INTEGER its row id.
        return "INTEGER" if isinstance(type_, Key) else "BIGINT"


class _Compiler(SQLiteDialect_pysqlite):
    type_compiler_cls = _Types
    supports_statement_cache = True


class SqliteWords(SqlWords):
    """See `localq.store.sql.words.SqlWords`."""

    def __init__(self) -> None:
        self.compiler = _Compiler(paramstyle="qmark")

    def insert(self, table: Table) -> Any:
        """Return SQLite's insert."""
        return sqlite.insert(table)

    def _with(self, new: Any, columns: Sequence[str], given: Given, where: Sequence[ColumnElement[bool]] = ()) -> Any:
        # Behind a table without a condition, what follows would be read as the condition of a join.
        return super()._with(new, columns, given, where or [true()])

    def listed(self, name: str) -> Any:
        """Return the values of a parameter, which is JSON."""
        return select(func.json_each(bindparam(name)).table_valued("value").c.value).scalar_subquery()

    def members(self, column: ColumnElement[Any]) -> Any:
        """Return the values of a column, which has JSON."""
        values = select(func.json_each(column).table_valued("value").c.value)
        return values.correlate(column.table).scalar_subquery()

    def larger(self, one: Any, other: Any) -> ColumnElement[Any]:
        """Return the larger of two numbers, by SQLite's `max` of two arguments."""
        return func.max(one, other)

    def has(self, column: ColumnElement[Any], part: ColumnElement[bytes]) -> ColumnElement[bool]:
        """Return the condition that bytes hold others."""
        return func.instr(column, part) > literal_column("0")

    def row(self, places: int) -> TableClause:
        """Return a table whose columns have the names that SQLite gives those of values."""
        return table("given", *[column(f"column{number + 1}") for number in range(places)])

    def tell(self, table: Table) -> None:
        """Say whether a table has row ids, and whether they are counted up for ever."""
        options = table.dialect_options["sqlite"]
        options["with_rowid"] = not table.info.get("clustered", False)
        options["autoincrement"] = table.info.get("keys_once", False)


SQLITE_WORDS = SqliteWords()
