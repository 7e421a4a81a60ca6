"""What each kind of SQL database says in its own words; the statements are written with these, and know no kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Executable, Index, MetaData, Select, Table, bindparam, func, select
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.types import TypeEngine

__all__ = ["Given", "SqlWords"]

#: From a parameter's name to what stands for its value in a statement.
Given = Callable[[str], Any]


class SqlWords(ABC):
    """The words of a kind of SQL database, in which statements and tables are written."""

    #: What makes text of SQLAlchemy's clauses.
    compiler: Dialect

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """Return an insert that can be told what to do about a row that is there."""

    def insert_new(
        self, table: Table, columns: Sequence[str], unique: Sequence[str], given: Given = bindparam
    ) -> Executable:
        """Return an insert of a row that does nothing where the unique columns have its values already.

        Parameters are named as the columns are.
        """
        new = self._with(self.insert(table), columns, given)
        found: Executable = new.on_conflict_do_nothing(index_elements=list(unique))
        return found

    def upsert(
        self,
        table: Table,
        key: Sequence[str],
        changes: Sequence[str] | None = None,
        only: Callable[[Any], ColumnElement[bool]] | None = None,
        given: Given = bindparam,
        where: Sequence[ColumnElement[bool]] = (),
    ) -> Executable:
        """Return an insert of a whole row that changes the row of the same key, if there is one.

        Args:
            changes: The columns that are changed; None: all but the key's.
            only: Given the columns of the new row, returns which rows are changed.
            where: Which of many rows are meant.
        """
        new = self._with(self.insert(table), [column.name for column in table.columns], given, where)
        changed = [column.name for column in table.columns if column.name not in key] if changes is None else changes
        found: Executable = new.on_conflict_do_update(
            index_elements=list(key),
            set_={name: new.excluded[name] for name in changed},
            where=None if only is None else only(new.excluded),
        )
        return found

    def different(self, column: ColumnElement[Any], where: Sequence[ColumnElement[bool]]) -> Select[Any] | None:
        """Return what finds the different values of an index's column by skipping, in their order; None: nothing can.

        That is for who is asked over a wire: skipping by one statement a value is no slower beside a file.
        """
        return None

    def outermost(self, column: ColumnElement[Any], where: Sequence[ColumnElement[bool]]) -> list[ColumnElement[Any]]:
        """Return the least and the largest value of an index's column, NULL where there is none; or a list of all, and
        NULL.
        """
        return [select(one(column)).where(*where).scalar_subquery() for one in (func.min, func.max)]

    def locked(self, rows: Select[Any]) -> Select[Any]:
        """Return a query whose rows stay as they are until the transaction ends, whoever else writes."""
        return rows

    @abstractmethod
    def listed(self, name: str) -> Any:
        """Return the subquery of the values in a list that is a parameter; see `SqlDialect.bound`."""

    @abstractmethod
    def members(self, column: ColumnElement[Any]) -> Any:
        """Return the subquery of the values in a column's list, which is JSON, for the row at hand."""

    def chosen(self, column: ColumnElement[Any], rows: Select[Any]) -> ColumnElement[bool]:
        """Return the condition that a row is among those a query finds, which are about to be changed.

        Where several write at once, rows that another has in hand are not found.
        """
        return column.in_(rows.scalar_subquery())

    def free(self, these: ColumnElement[bool], column: ColumnElement[Any], rows: Select[Any]) -> ColumnElement[bool]:
        """Return the condition of rows that are to be changed, where several write at once without waiting for any.

        Args:
            these: Which rows are meant.
            rows: The query of the same, the best first.
        """
        return these

    @abstractmethod
    def larger(self, one: Any, other: Any) -> ColumnElement[Any]:
        """Return the larger of two numbers."""

    @abstractmethod
    def has(self, column: ColumnElement[Any], part: ColumnElement[bytes]) -> ColumnElement[bool]:
        """Return the condition that bytes hold others."""

    # Many rows of parameters

    def given(self, kinds: Mapping[str, TypeEngine[Any]]) -> Given | None:
        """Return what stands for the parameters of many rows, each a list in one statement; None: nothing can."""
        return None

    def row(self, places: int) -> TableClause | None:
        """Return what several rows of parameters are called in a statement that has them; None: none has."""
        return None

    def _with(self, new: Any, columns: Sequence[str], given: Given, where: Sequence[ColumnElement[bool]] = ()) -> Any:
        """Return an insert with values."""
        if given is bindparam:
            return new.values({name: bindparam(name) for name in columns})
        return new.from_select(list(columns), select(*[given(name) for name in columns]).where(*where))

    # Tables

    def tables(self, metadata: MetaData) -> Iterator[str]:
        """Yield the statements that make the tables, each followed by its indexes."""
        for table in metadata.sorted_tables:
            self.tell(table)
            yield str(CreateTable(table).compile(dialect=self.compiler))
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                if not index.info.get("on_demand", False):
                    yield self._index(index)

    def tell(self, table: Table) -> None:  # noqa: B027 - nothing to say is a fair answer
        """Put into the dialect's own options what the `info` of a table says; see the schema."""

    def made_if_missing(self, index: Index) -> str:
        """Return the statement that makes an index where there is none of its name."""
        return self._index(index, if_not_exists=True)

    def _index(self, index: Index, **options: bool) -> str:
        index.dialect_options[self.compiler.name]["where"] = index.info.get("where")
        return str(CreateIndex(index, **options).compile(dialect=self.compiler))
