"""A statement as text, which the verbs run on the driver's own cursor.

Measured on SQLite that is three times as fast as SQLAlchemy's `Connection.execute`, and one-row enqueues are made of
nothing else. The texts are made beforehand; see `compiler`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

__all__ = ["DifferentValues", "Kind", "ManyRows", "Statement"]

#: What a parameter is.
Kind = Literal["bytes", "number", "text"]
#: Rows with more bytes than this are written one after another: a statement of all would be copied some times.
_LARGE = 1 << 20


class Statement:
    """One statement.

    Attributes:
        text: It, in SQL.
        names: The names of its parameters, in the text's order.
        fixed: The parameters that always have the same value.
    """

    def __init__(self, text: str, names: tuple[str, ...] = (), fixed: Mapping[str, Any] | None = None) -> None:
        self.text, self.names, self.fixed = text, names, fixed or {}

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the parameters in the text's order."""
        names, fixed = self.names, self.fixed
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


class ManyRows:
    """A statement that writes a row of the table for each of many rows of parameters.

    Where the database has lists of parameters all are written by one statement; else one after another.

    Args:
        kinds: The parameters of a row, in the order in which they are given, and what each is.
        by: The parameter that no two rows share.
        one: The statement that writes one.
        every: The one that writes all, and returns `by` of those it wrote; None: there is none.
        whole: Whether it writes more than one statement for one row could.
        lists: What makes a parameter of a list, by what is in it.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        by: str,
        one: Statement,
        every: Statement | None = None,
        *,
        whole: bool = False,
        lists: Mapping[Kind, Callable[[Sequence[Any]], Any]] | None = None,
    ) -> None:
        self.kinds, self.by, self.one, self.every, self.whole = kinds, by, one, every, whole
        self._lists = lists

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters of a row."""
        return tuple(self.kinds)

    @cached_property
    def _in_order(self) -> Callable[[Sequence[Any]], Any] | None:
        """Return what puts a row's parameters into the order of the statement; None: it is that."""
        wanted = self.one.names
        return None if wanted == self.names else itemgetter(*map(self.names.index, wanted))

    @cached_property
    def _long(self) -> list[int]:
        return [place for place, kind in enumerate(self.kinds.values()) if kind == "bytes"]

    def hit(self, cursor: Any, row: Sequence[Any]) -> bool:
        """Run it with one row; return whether one was written."""
        cursor.execute(self.one.text, row if self._in_order is None else self._in_order(row))
        return bool(cursor.rowcount == 1)

    def run(self, cursor: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Run it with each row."""
        if len(rows) > 1 and self.every is not None and self.few_bytes(rows):
            self._found(cursor, self.every, rows)
        else:
            self._each(cursor, rows)

    def hits(self, cursor: Any, rows: Sequence[Sequence[Any]]) -> list[bool]:
        """Run it with each row; return for each whether one was written."""
        if len(rows) > 1 or self.whole:
            if self.every is not None:
                # Of two that say the same the first was written.
                found, place = self._found(cursor, self.every, rows), self.names.index(self.by)
                return [bool(found.pop(row[place], False)) for row in rows]
            # All at once takes a third of the time that one after another takes.
            cursor.execute("SAVEPOINT every")
            self._each(cursor, rows)
            if cursor.rowcount == len(rows):
                return [True] * len(rows)
            cursor.execute("ROLLBACK TO every")
        return [self.hit(cursor, row) for row in rows]

    def few_bytes(self, rows: Sequence[Sequence[Any]]) -> bool:
        """Whether rows are small enough to be written by one statement."""
        return sum([len(row[place]) for place in self._long for row in rows if isinstance(row[place], bytes)]) < _LARGE

    def _each(self, cursor: Any, rows: Sequence[Sequence[Any]]) -> None:
        order = self._in_order
        cursor.executemany(self.one.text, rows if order is None else [order(row) for row in rows])

    def _found(self, cursor: Any, statement: Statement, rows: Sequence[Sequence[Any]]) -> dict[Any, bool]:
        assert self._lists is not None
        given = dict(zip(self.names, zip(*rows, strict=True), strict=True))
        values = [self._lists[self.kinds[name]](given[name]) for name in statement.names]
        return dict.fromkeys([row[0] for row in cursor.execute(statement.text, values).fetchall()], True)


class DifferentValues:
    """The different values of an index's column, found by skipping from one to the next.

    Args:
        one: The statement that finds the next of a value.
        every: The one that finds all at once; None: there is none.
    """

    def __init__(self, one: Statement, every: Statement | None = None) -> None:
        self.one, self.every = one, every

    def run(self, cursor: Any, **given: Any) -> Iterator[str]:
        """Yield them in their order."""
        if self.every is not None:
            yield from [row[0] for row in self.every.run(cursor, **given).fetchall()]
            return
        after = ""
        while (found := self.one.run(cursor, after=after, **given).fetchone()[0]) is not None:
            yield found
            after = found
