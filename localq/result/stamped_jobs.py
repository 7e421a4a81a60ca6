"""Jobs found by the stamps, or headers, they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.stamps import values_of
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Reading

__all__ = ["stamped"]

_UNFINISHED = tuple(state for state in JobState if not state.final)


def stamped(read: Reading, headers: Mapping[str, Any]) -> Iterator[Job]:
    """Yield unfinished jobs one of whose stamps, or headers, has a value that is asked for; newest first.

    Args:
        headers: Values by the name of the stamp or header: one, or several of which any will do. They are compared
            as texts, for those that come from a command line are.
    """
    asked = {name: _texts(value) for name, value in headers.items()}
    for job in paged(read, Filter(states=_UNFINISHED)):
        found = _carried(JobOptions.read(job.options))
        if any(not texts.isdisjoint(_texts(found.get(name))) for name, texts in asked.items()):
            yield job


def _carried(options: JobOptions) -> dict[str, Any]:
    """Return a job's headers and stamps; stamps may also stand among the headers, as Celery sends them."""
    headers = options.headers or {}
    within = headers.get("stamps")
    return {**headers, **(within if isinstance(within, Mapping) else {}), **(options.stamps or {})}


def _texts(value: Any) -> set[str]:
    return set() if value is None else {str(one) for one in values_of(value)}
