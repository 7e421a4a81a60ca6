"""What a kind of SQL database gives the verbs: its statements as text, and how lists are passed to them.

How the statements are written is `words`, which needs SQLAlchemy; nothing here does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from localq.store.sql.compiled import SqlTexts
from localq.store.sql.job_shape import Looker, Shape
from localq.store.sql.statement import Statement

__all__ = ["SqlDialect"]


class SqlDialect(ABC):
    """A kind of SQL database, as far as statements go; connections and transactions are its `Database`'s."""

    #: Its statements.
    texts: SqlTexts
    #: Whether an index can be made when it is first needed, in the middle of a claim; else it is there from the start.
    makes_indexes = True
    #: Whether nobody else writes during a transaction that does: what it has read is as it was when it is changed.
    one_writer = False

    @abstractmethod
    def bound(self, values: Iterable[Any]) -> Any:
        """Return a list as the parameter of a statement that takes one; see `SqlWords.listed`."""

    def let_go(self, cursor: Any, statement: Statement) -> None:  # noqa: B027 - most drivers keep nothing
        """Forget what a statement was given last, where the driver keeps that until the next time: it may be large."""

    @abstractmethod
    def words(self) -> Any:
        """Return the `SqlWords` in which its statements are written."""

    def lookers(self, shape: Shape) -> tuple[Looker, ...]:
        """Return the statements that find the jobs of a filter.

        There are too many kinds of filters to write all down beforehand: this alone loads SQLAlchemy.
        """
        from localq.store.sql.found_job_statements import lookers

        return lookers(shape, self.words())
