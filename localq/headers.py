"""Jobs found by the headers, or stamps, they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localq.job import Job, JobState
from localq.options import JobOptions
from localq.store.base import Filter, Store

__all__ = ["stamped"]

#: Jobs read at once.
_PAGE = 500
_UNFINISHED = (JobState.SCHEDULED, JobState.READY, JobState.RUNNING)


def stamped(store: Store, headers: Mapping[str, Any]) -> Iterator[Job]:
    """Yield unfinished jobs one of whose headers, or stamps, has a value that is asked for."""
    which = Filter(states=_UNFINISHED)
    while True:
        page = store.find(which, _PAGE)
        for job in page:
            said = JobOptions.read(job.options).headers or {}
            found = {**said, **(said.get("stamps") or {})}
            if any(_values(wanted) & _values(found.get(name)) for name, wanted in headers.items()):
                yield job
        if len(page) < _PAGE:
            return
        which = which._replace(before=page[-1].key)


def _values(given: Any) -> set[str]:
    many = given if isinstance(given, list | tuple | set) else [] if given is None else [given]
    return {str(one) for one in many}
