"""Tables of statements, written with SQLAlchemy Core: the source of the texts that a store runs; see `compiler`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, LargeBinary, Select, Text, bindparam, func, select
from sqlalchemy.types import TypeEngine

from localq.store.sql.statement import DifferentValues, Kind, ManyRows, Statement, row_of_values
from localq.store.sql.words import Given, SqlWords

__all__ = ["StatementTable", "compiled"]

#: From a parameter's name to what stands for its value, to the statement.
_Make = Callable[[Given], Executable]


def compiled(clause: Executable, words: SqlWords) -> Statement:
    """Return the statement that a clause is in a dialect's words."""
    made: Any = clause.compile(dialect=words.compiler, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    fixed = {name: value for name, value in made.params.items() if value is not None}
    return Statement(str(made), tuple(made.positiontup or ()), fixed)


class StatementTable:
    """The statements of one room, in a dialect's words; `compiler` writes their texts into a file."""

    def __init__(self, words: SqlWords) -> None:
        self.words = words

    def made(self, clause: Executable) -> Statement:
        """Return the statement of a clause."""
        return compiled(clause, self.words)

    def many(
        self,
        make: _Make,
        kinds: Mapping[str, TypeEngine[Any]],
        by: tuple[str, ColumnElement[Any]],
        *,
        own: int = 0,
        whole: bool = False,
    ) -> ManyRows:
        """Return the statement that is run with many rows.

        Args:
            make: Makes the statement; of several that write at once, one that selects `by` of what was written.
            kinds: The parameters of a row, in the order in which they are given, and the type of each.
            by: The parameter that no two rows share, and the column in which it is found.
            own: How many of the first parameters differ from row to row, while the others mostly do not; 0: any may.
            whole: Whether it writes more than one statement for one row could.
        """
        given, every = self.words.given(kinds), None
        if given is not None:
            made: Any = make(given)
            every = self.made(made if isinstance(made, Select) else made.returning(by[1]))
        said = {name: _kind(one) for name, one in kinds.items()}
        one = self.made(make(bindparam))
        several = None if whole else self._several(make, kinds, one)
        alike = self._alike(make, list(kinds)[:own]) if own else None
        return ManyRows(said, by[0], one, every, several=several, alike=alike, own=own, whole=whole)

    def _several(self, make: _Make, kinds: Mapping[str, TypeEngine[Any]], one: Statement) -> Statement | None:
        """Return the statement that changes a row for each of several rows of values; None: there is none.

        One that adds rows takes several as it is, where it names its parameters in the same order.
        """
        alike = row_of_values(len(kinds)) in one.text and one.names == tuple(kinds)
        made = None if alike else self._alike(make, list(kinds))
        return None if made is None else Statement(made.text, tuple(kinds))

    def _alike(self, make: _Make, own: Sequence[str]) -> Statement | None:
        """Return the statement for several rows that differ in these parameters alone; None: there is none."""
        rows = self.words.row(len(own))
        if rows is None:
            return None
        places = dict(zip(own, rows.c, strict=True))
        made = self.made(make(lambda name: places[name] if name in places else bindparam(name)))
        row = row_of_values(len(own))
        return Statement(made.text.replace(f"FROM {rows.name}", f"FROM ({row}) AS {rows.name}"), made.names)

    def different(self, column: ColumnElement[Any], *where: ColumnElement[bool]) -> DifferentValues:
        """Return what finds the different values of a column."""
        following = select(func.min(column)).where(*where, column > bindparam("after"))
        every = self.words.different(column, where)
        return DifferentValues(self.made(following), None if every is None else self.made(every))


def _kind(one: TypeEngine[Any]) -> Kind:
    if isinstance(one, Text):
        return "text"
    return "bytes" if isinstance(one, LargeBinary) else "number"
