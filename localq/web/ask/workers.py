"""The workers, and what each of their slots runs now."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from localq.host.memory import memory_of
from localq.model.job import Job, JobState
from localq.model.worker import WorkerRow, WorkerState
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Store
from localq.web.ask.starts import Starts

__all__ = ["Crew", "WorkerSeen", "crew", "target", "workers_seen"]

#: Running jobs that are read at most.
_MOST = 1000


class WorkerSeen(NamedTuple):
    """A worker with the jobs that it has claimed, the oldest first.

    `since` is when those began to run, in microseconds since 1970, by id, as far as it is known; `memory` is what it
    holds with its slots, in bytes, where it runs on this computer.
    """

    row: WorkerRow
    jobs: list[Job]
    since: Mapping[str, int] = {}
    memory: int | None = None

    @property
    def idle(self) -> int:
        """How many of its slots have nothing to do."""
        return max(0, self.row.card.concurrency - len(self.jobs))


class Crew(NamedTuple):
    """The workers that may be alive, and those that are gone, the last first."""

    here: list[WorkerSeen]
    gone: list[WorkerRow]


def target(worker: str) -> str:
    """Return what the book of changes calls a worker."""
    return f"worker {worker}"


def crew(store: Store, starts: Starts) -> Crew:
    """Return the workers with all that is known of them."""
    rows = store.workers.all()
    gone = [row for row in rows if row.state == WorkerState.GONE]
    seen = workers_seen(store, rows)
    since = starts.of([job for one in seen if one.row.state == WorkerState.ALIVE for job in one.jobs])
    host = socket.gethostname()
    here = [
        one._replace(since=since, memory=memory_of(one.row.card.pid) if one.row.card.host == host else None)
        for one in seen
    ]
    return Crew(here, sorted(gone, key=lambda row: -row.seen_at))


def workers_seen(store: Store, rows: Sequence[WorkerRow]) -> list[WorkerSeen]:
    """Return the workers that may be alive, by name, with what they run."""
    running: dict[int, list[Job]] = {}
    for number, job in enumerate(paged(store.read, Filter(states=(JobState.RUNNING,)))):
        if number >= _MOST:
            break
        running.setdefault(job.owner or 0, []).insert(0, job)
    shown = [row for row in rows if row.state != WorkerState.GONE]
    return [WorkerSeen(row, running.get(row.key, [])) for row in sorted(shown, key=lambda row: row.card.name)]
