"""The order in which Flower's tasks are listed, found of jobs before any is told in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from localq import states
from localq.model.job import Job, JobState
from localq.store.protocol import Store
from localq.web.ask.starts import Starts

__all__ = ["SORTS", "most_sorted", "sorted_jobs"]

#: What tasks can be sorted by.
SORTS = ("name", "received", "started", "state")
#: Tasks that are sorted, the newest: fewer where their runs have to be read for it.
_MOST, _MOST_BY_RUN = 10_000, 3000


def most_sorted(sort: str) -> int:
    """Return how many tasks are sorted at most by one of `SORTS`."""
    return _MOST_BY_RUN if sort.endswith("started") else _MOST


def sorted_jobs(store: Store, starts: Starts, jobs: Sequence[Job], sort: str) -> list[Job]:
    """Return jobs sorted by one of `SORTS`, after a "-" the greatest first; what has no such time is the least."""
    key = _key(store, starts, jobs, sort.removeprefix("-"))
    return sorted(jobs, key=lambda job: _none_first(key(job)), reverse=sort.startswith("-"))


def _none_first(value: Any) -> tuple[bool, Any]:
    return value is not None, value if value is not None else 0


def _key(store: Store, starts: Starts, jobs: Sequence[Job], name: str) -> Callable[[Job], Any]:
    if name == "name":
        return lambda job: job.task
    if name == "state":
        return states.public_state
    if name == "received":
        return lambda job: job.created_at
    began = _began(store, starts, jobs)
    return lambda job: began.get(job.id)


def _began(store: Store, starts: Starts, jobs: Sequence[Job]) -> dict[str, int | None]:
    """Return when jobs began: those that run as their workers have said, of others their last run."""
    running = [job for job in jobs if job.state == JobState.RUNNING]
    found: dict[str, int | None] = dict.fromkeys(job.id for job in running)
    found |= starts.of(running)
    seen = store.read.seen([job.id for job in jobs if job.attempts and job.state != JobState.RUNNING])
    return found | {job_id: one.attempt.started_at for job_id, one in seen.items() if one.attempt is not None}
