"""All jobs that a filter finds, however many."""

from __future__ import annotations

from collections.abc import Iterator

from localq.model.job import Job
from localq.store.protocol import Filter, Reading

__all__ = ["paged"]

#: Jobs read at once.
_PAGE = 500


def paged(read: Reading, which: Filter) -> Iterator[Job]:
    """Yield jobs, newest first, reading as many as are asked for."""
    while True:
        page = read.find(which, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        which = which._replace(before=page[-1].key)
