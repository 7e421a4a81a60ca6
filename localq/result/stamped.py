"""Jobs found by their stamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.job import JobState
from localq.options import JobOptions
from localq.stamps import values_of
from localq.store.base import Filter, Store

__all__ = ["stamped"]

_UNFINISHED = tuple(state for state in JobState if not state.final)
#: Jobs read at once.
_PAGE = 500


def stamped(store: Store, headers: Mapping[str, Any]) -> list[str]:
    """Return the ids of unfinished jobs that have one of these stamps, newest first.

    Args:
        headers: Values by the stamp's name: one, or several of which any will do.
    """
    wanted = {name: values_of(value) for name, value in headers.items()}
    found: list[str] = []
    which = Filter(states=_UNFINISHED)
    while True:
        page = store.find(which, _PAGE)
        for job in page:
            stamps = JobOptions.read(job.options).stamps or {}
            if any(one in stamps.get(name, ()) for name, values in wanted.items() for one in values):
                found.append(job.id)
        if len(page) < _PAGE:
            return found
        which = which._replace(before=page[-1].key)
