"""All jobs that a filter finds, however many."""

from __future__ import annotations

from collections.abc import Iterator

from localq.model.job import Job
from localq.store.protocol import Filter, Reading

__all__ = ["paged"]

#: Jobs read at once.
_PAGE = 500


def paged(read: Reading, which: Filter, most: int = _PAGE) -> Iterator[Job]:
    """Yield jobs, newest first, reading as many as are asked for, up to `most` at once."""
    while True:
        page = read.find(which, most)
        yield from page.jobs
        if page.cursor is None:
            return
        which = which._replace(before=page.cursor)
