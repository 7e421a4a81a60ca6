"""Run what waits, in the test: the worker's own steps, without a worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

from localq.app import LocalQ
from localq.exceptions import WorkerTerminate
from localq.execution.inline_worker import InlineWorker
from localq.execution.policy import Rules
from localq.model.ids import new_id
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.model.worker import Served, WorkerCard
from localq.result import AsyncResult
from localq.store.protocol import Store

__all__ = ["drain"]

_NAME = "drain"
_LEASE_US = 3600 * 1_000_000


def drain(
    app: LocalQ, *, queues: Sequence[str] | None = None, scheduled: bool = False, limit: int = 10_000
) -> list[AsyncResult[Any]]:
    """Run every job that is ready, here and now, and what follows from it; return results in the order of the runs.

    A failed job raises nothing here; `get()` of its result does.

    Args:
        queues: Only these.
        scheduled: Run jobs that wait for their time, such as retries, too, without waiting for it.
        limit: Runs after which jobs are taken to add each other for ever.

    Raises:
        RuntimeError: there were more runs than `limit`.
    """
    store = app.store
    worker = _Drain(app, store)
    ran: list[str] = []
    try:
        while True:
            job = worker.next(queues, scheduled)
            if job is None:
                return [AsyncResult(job_id, app) for job_id in ran]
            if len(ran) == limit:
                raise RuntimeError(f"{limit:,} jobs ran and there are more: do they add each other? See `limit`.")
            worker.complete(job)
            ran.append(job.id)
    finally:
        worker.close()


class _Drain(InlineWorker):
    """A worker that runs one job at a time, when it is told to."""

    def __init__(self, app: LocalQ, store: Store) -> None:
        super().__init__(app, store, _NAME, eager=False)
        card = WorkerCard(
            new_id(), _NAME, socket.gethostname(), os.getpid(), "solo", 1, None, (), tuple(sorted(app.tasks))
        )
        self._key = store.workers.enter(card, app.clock.now(), _LEASE_US)
        self._claimed: list[Job] = []

    def next(self, queues: Sequence[str] | None, scheduled: bool) -> Job | None:
        """Claim the next job; with `scheduled`, the one whose time comes first."""
        if self._claimed:
            return self._claimed.pop(0)
        served = Served(None if queues is None else tuple(queues))
        claim = self.store.jobs.claim(self._key, served, 1, self._app.clock.now())
        if not claim.jobs and scheduled and claim.next_at is not None:
            claim = self.store.jobs.claim(self._key, served, 1, max(claim.next_at, self._app.clock.now()))
        # Jobs that cannot run because of another come beside the one that was asked for.
        self._claimed += claim.jobs
        return self._claimed.pop(0) if self._claimed else None

    def _outcome(self, job: Job, rules: Rules, now: int) -> Outcome:
        try:
            return super()._outcome(job, rules, now)
        except WorkerTerminate:
            return Outcome(Ending.RELEASED, now, now)

    def close(self) -> None:
        """Leave the store; what a test broke off may be run by others."""
        self.store.workers.leave([self._key], self._app.clock.now())
