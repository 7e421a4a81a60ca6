"""What a worker does with the jobs it has claimed, before its pool gets them."""

from __future__ import annotations

from collections.abc import Sequence

from localq.execution.inputs import fed
from localq.execution.settle import expired
from localq.model.edges import Role
from localq.model.events import emit, listened
from localq.model.job import Job
from localq.model.outcome import Completion
from localq.settings import Settings
from localq.signals import task_received, task_unknown
from localq.store.protocol.store import Store
from localq.worker.celery_events import CeleryEvents
from localq.worker.pool.contract import Handed
from localq.worker.reported import Reported

__all__ = ["Claimed"]


class Claimed:
    """Tells the jobs that are to run from those that are settled without a run.

    Args:
        worker: The worker's name.
    """

    def __init__(self, worker: str, store: Store, reported: Reported, broadcast: CeleryEvents, conf: Settings) -> None:
        self._worker, self._store, self._reported, self._broadcast = worker, store, reported, broadcast
        self._conf = conf

    def sort(self, jobs: Sequence[Job], now: int) -> tuple[list[Handed], list[Completion]]:
        """Return what the pool gets, and what is only to be written; tell of both."""
        handed = []
        late = []
        for job in jobs:
            if job.culprit is not None:
                late.append(self._reported.behind(job, self._store))
                continue
            if job.role & Role.FED:
                inputs = self._store.inputs(job.key)
                try:
                    job = fed(job, inputs, self._conf)
                except Exception as error:
                    # Whatever the file holds: it fails this job, and stops no worker.
                    late.append(self._reported.unfed(job, error))
                    continue
            if job.expires_at is not None and job.expires_at <= now:
                late.append(expired(job, self._worker, self._reported.policy(job), now))
                emit("job.revoked", worker=self._worker, task=job.task, job_id=job.id, reason="expired")
                self._reported.tell_expired(job)
                continue
            handed.append(Handed(job, self._reported.limits(job)))
        if handed:
            self._tell(handed)
        return handed, late

    def _tell(self, handed: list[Handed]) -> None:
        if listened("job.received"):
            for job, _ in handed:
                emit(
                    "job.received",
                    worker=self._worker,
                    task=job.task,
                    job_id=job.id,
                    queue=job.queue,
                    attempt=job.attempts,
                )
        if self._broadcast.listening or task_received.receivers or task_unknown.receivers:
            self._reported.tell_received(handed)
