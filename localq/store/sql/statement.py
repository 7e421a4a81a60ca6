"""A statement of SQLAlchemy Core as text, which the verbs run on the driver's own cursor.

Measured on SQLite that is three times as fast as `Connection.execute`, and one-row enqueues are made of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Executable

from localq.store.sql.dialect import SqlDialect

__all__ = ["Statement", "StatementTable", "skipping"]


class Statement:
    """One statement: its text and the order of its parameters, compiled when either is first asked for.

    There are more than a hundred, and a program that adds jobs uses one.
    """

    def __init__(self, clause: Executable, dialect: Dialect) -> None:
        self._clause, self._dialect = clause, dialect

    @cached_property
    def _compiled(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        options = {"render_postcompile": True}
        made: Any = self._clause.compile(dialect=self._dialect, compile_kwargs=options)  # type: ignore[attr-defined]
        return str(made), tuple(made.positiontup or ()), {k: v for k, v in made.params.items() if v is not None}

    @cached_property
    def text(self) -> str:
        """The statement in SQL."""
        return self._compiled[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its parameters, in the text's order."""
        return self._compiled[1]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the parameters in the text's order."""
        _, names, fixed = self._compiled
        if not fixed and len(names) > 1 and len(given) == len(names):
            return self.in_order(given)
        return tuple([given[name] if name in given else fixed.get(name) for name in names])

    @cached_property
    def in_order(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """A fast getter of the parameters from mappings that name every one."""
        return itemgetter(*self.names)

    def run(self, cursor: Any, **given: Any) -> Any:
        """Execute it with parameters by name; return the cursor."""
        cursor.execute(self.text, self.values(given))
        return cursor


class StatementTable:
    """The statements of one room, made when a dialect first needs them."""

    def __init__(self, dialect: SqlDialect) -> None:
        self.dialect = dialect

    def made(self, clause: Executable) -> Statement:
        """Return the statement of a clause."""
        return Statement(clause, self.dialect.compiler)


def skipping(cursor: Any, following: Statement, **given: Any) -> Iterator[str]:
    """Yield the different values of an index's column by skipping from one to the next; `after` is the parameter."""
    after = ""
    while (found := following.run(cursor, after=after, **given).fetchone()[0]) is not None:
        yield found
        after = found
