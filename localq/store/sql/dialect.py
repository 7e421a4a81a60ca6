"""What each kind of SQL database says in its own words; the statements are written with these, and know no kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Executable, Index, Table

__all__ = ["SqlDialect"]


class SqlDialect(ABC):
    """A kind of SQL database, as far as statements go; connections and transactions are its `Database`'s."""

    #: What makes text of SQLAlchemy's clauses.
    compiler: Dialect

    @abstractmethod
    def insert_new(self, table: Table, columns: Sequence[str], unique: Sequence[str]) -> Executable:
        """Return an insert of a row that does nothing where the unique columns have its values already.

        Parameters are named as the columns are.
        """

    @abstractmethod
    def upsert(
        self,
        table: Table,
        key: Sequence[str],
        changes: Sequence[str] | None = None,
        only: Callable[[Any], ColumnElement[bool]] | None = None,
    ) -> Executable:
        """Return an insert of a whole row that changes the row of the same key, if there is one.

        Args:
            changes: The columns that are changed; None: all but the key's.
            only: Given the columns of the new row, returns which rows are changed.
        """

    @abstractmethod
    def listed(self, name: str) -> Any:
        """Return the subquery of the values in a list that is a parameter; see `bound`."""

    @abstractmethod
    def bound(self, values: Iterable[Any]) -> Any:
        """Return a list as the parameter of `listed`, or as the value of a column that has lists."""

    @abstractmethod
    def members(self, column: ColumnElement[Any]) -> Any:
        """Return the subquery of the values in a column's list, for the row at hand."""

    @abstractmethod
    def larger(self, one: Any, other: Any) -> ColumnElement[Any]:
        """Return the larger of two numbers."""

    @abstractmethod
    def has(self, column: ColumnElement[Any], part: bytes) -> ColumnElement[bool]:
        """Return the condition that bytes hold others."""

    @abstractmethod
    def made_if_missing(self, index: Index) -> str:
        """Return the statement that makes an index where there is none of its name."""

    @abstractmethod
    def all_or_none(self, cursor: Any, text: str, rows: Sequence[Any]) -> bool:
        """Run a statement with many rows of parameters; where one of them hit no row, undo all and return False."""
