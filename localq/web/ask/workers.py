"""The workers, and what each of their slots runs now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localq.model.job import Job, JobState
from localq.model.worker import WorkerRow, WorkerState
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Store

__all__ = ["WorkerSeen", "workers_seen"]

#: Running jobs that are read at most.
_MOST = 1000


class WorkerSeen(NamedTuple):
    """A worker with the jobs that it has claimed, the oldest first, and how many more."""

    row: WorkerRow
    jobs: list[Job]

    @property
    def idle(self) -> int:
        """How many of its slots have nothing to do."""
        return max(0, self.row.card.concurrency - len(self.jobs))


def workers_seen(store: Store, rows: Sequence[WorkerRow], *, gone: bool = False) -> list[WorkerSeen]:
    """Return the workers that may be alive, by name; those that are gone too, if asked for."""
    running: dict[int, list[Job]] = {}
    for number, job in enumerate(paged(store.read, Filter(states=(JobState.RUNNING,)))):
        if number >= _MOST:
            break
        running.setdefault(job.owner or 0, []).insert(0, job)
    shown = [row for row in rows if gone or row.state != WorkerState.GONE]
    return [WorkerSeen(row, running.get(row.key, [])) for row in sorted(shown, key=lambda row: row.card.name)]
