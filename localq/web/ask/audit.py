"""Who changed what."""

from __future__ import annotations

from typing import NamedTuple

from localq.model.audit import ChangeRow
from localq.store.protocol import Store

__all__ = ["Book", "book"]

_LINES = 100


class Book(NamedTuple):
    """Changes, the latest first; `cursor` is where the next page begins, None where there is none."""

    rows: list[ChangeRow]
    cursor: int | None


def book(store: Store, before: int | None) -> Book:
    """Return a page of the book of changes."""
    rows = store.history.changes(_LINES + 1, before)
    return Book(rows[:_LINES], rows[_LINES - 1].key if len(rows) > _LINES else None)
