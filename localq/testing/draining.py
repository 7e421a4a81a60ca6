"""Run what waits, in the test: the worker's own steps, without a worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

from localq import attempt
from localq.app import LocalQ
from localq.behind import behind, culprit_of
from localq.call import new_id
from localq.exceptions import NotRegistered, WorkerTerminate
from localq.failure import describe, dump
from localq.feeding import fed
from localq.job import Completion, Ending, Job, Outcome, Role, WorkerCard
from localq.limiter import AlarmLimiter
from localq.policy import limits_of, policy_of
from localq.result import AsyncResult
from localq.running import Place
from localq.settle import expired, settle
from localq.store.base import Store
from localq.store.presence import boot_id

__all__ = ["drain"]

_NAME = "drain"


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
            worker.run(job)
            ran.append(job.id)
    finally:
        worker.close()


class _Drain:
    """A worker that runs one job at a time, when it is told to."""

    def __init__(self, app: LocalQ, store: Store) -> None:
        self._app, self._store = app, store
        card = WorkerCard(
            new_id(), _NAME, socket.gethostname(), os.getpid(), boot_id(), "solo", 1, None, (), tuple(sorted(app.tasks))
        )
        lease = int((app.clock.steady() + 3600) * 1e6)
        self._key = store.register(card, app.clock.now(), lease)

    def next(self, queues: Sequence[str] | None, scheduled: bool) -> Job | None:
        """Claim the next job; with `scheduled`, the one whose time comes first."""
        names = None if queues is None else tuple(queues)
        claim = self._store.claim(self._key, names, (), 1, self._app.clock.now())
        if not claim.jobs and scheduled and claim.next_at is not None:
            claim = self._store.claim(self._key, names, (), 1, max(claim.next_at, self._app.clock.now()))
        return claim.jobs[0] if claim.jobs else None

    def run(self, job: Job) -> None:
        """Run a job and write down what came of it."""
        app, now = self._app, self._app.clock.now()
        task = app.tasks.find(job.task)
        policy = policy_of(task, job, app.conf)
        done: Completion
        if job.culprit is not None:
            done = behind(job, culprit_of(job, self._store), _NAME, policy, now)
        elif job.expires_at is not None and job.expires_at <= now:
            done = expired(job, _NAME, policy, now)
        else:
            whole = fed(job, self._store.inputs(job.key)) if job.role & Role.FED else job
            done = settle(whole, self._outcome(whole), _NAME, policy, app.clock.now())
        self._store.finish([done], app.clock.now())
        if done.state.final:
            self._store.ring_waiters([job.id])

    def _outcome(self, job: Job) -> Outcome:
        app, now = self._app, self._app.clock.now()
        task = app.tasks.find(job.task)
        if task is None:
            error = NotRegistered(f"Unknown task {job.task!r}. Import its module first.")
            return Outcome(Ending.FAILURE, now, now, failure=dump(describe(error)))
        limits = limits_of(task, job, app.conf)
        limiter = AlarmLimiter(limits.hard) if limits.hard or limits.soft else None
        try:
            return attempt.run(task, job, Place(_NAME, app.clock, app.conf, limiter))
        except WorkerTerminate:
            return Outcome(Ending.RELEASED, now, now)

    def close(self) -> None:
        """Leave the store; what a test broke off may be run by others."""
        attempt.close_loop()
        self._store.bury([self._key], self._app.clock.now())
