"""A statement of SQLAlchemy Core as text, which the verbs run on the driver's own cursor.

Measured on SQLite that is three times as fast as `Connection.execute`, and one-row enqueues are made of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Executable

__all__ = ["Statement"]


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
        return tuple([given[name] if name in given else fixed.get(name) for name in names])

    @cached_property
    def in_order(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """A fast getter of the parameters from mappings that name every one."""
        return itemgetter(*self.names)
