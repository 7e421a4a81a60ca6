"""Eager mode: jobs run in the caller, at once, on a store in memory; every other line is the engine's own.

Waiting is skipped: a retry runs as soon as its turn comes, whenever it is due. Both time limits hold in the main
thread, where a signal can interrupt.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Protocol

from localq.attempt import Place, run
from localq.call import new_id
from localq.clock import Clock
from localq.exceptions import NotRegistered
from localq.failure import describe, dump
from localq.job import Ending, Job, JobState, NewJob, Outcome, WorkerCard
from localq.limiter import AlarmLimiter
from localq.policy import policy_of
from localq.registry import TaskRegistry
from localq.settings import Settings
from localq.settle import settle
from localq.store import open_store
from localq.store.base import Store

__all__ = ["Eager"]

_NAME = "eager"


class App(Protocol):
    """What eager mode needs of an app."""

    conf: Settings
    tasks: TaskRegistry
    clock: Clock


class Eager:
    """Runs an app's jobs in the caller."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.RLock()
        self._worker: int | None = None
        self.store: Store = open_store(":memory:")

    def add(self, new: NewJob) -> None:
        """Add a job and run it, and whatever follows from it, to the end."""
        self.add_many([new])

    def add_many(self, jobs: list[NewJob]) -> None:
        """Add jobs, then run each to the end, in order."""
        with self._lock:
            now = self._app.clock.now()
            self.store.add([new._replace(run_at=None) for new in jobs], now)
            for new in jobs:
                self._run_until_final(new.id)

    def _run_until_final(self, job_id: str) -> None:
        while True:
            now = self._app.clock.now()
            claim = self.store.claim(self._key(), None, (), 1, now)
            if not claim.jobs and claim.next_at is not None:
                claim = self.store.claim(self._key(), None, (), 1, max(now, claim.next_at))
            for job in claim.jobs:
                self._run(job)
            job = self.store.get([job_id]).get(job_id)  # type: ignore[assignment]
            if not claim.jobs or (job is not None and JobState(job.state).final and not self._more_ready()):
                return

    def _more_ready(self) -> bool:
        return any(
            state in (JobState.READY, JobState.SCHEDULED) and count
            for (_, state), count in self.store.stats().items()
        )

    def _run(self, job: Job) -> None:
        task = self._app.tasks.find(job.task)
        now = self._app.clock.now()
        if task is None:
            error = NotRegistered(f"Unknown task {job.task!r}. Import its module first.")
            outcome = Outcome(Ending.FAILURE, now, now, failure=dump(describe(error)))
        else:
            conf = self._app.conf
            place = Place(_NAME, self._app.clock, conf, AlarmLimiter(), eager=True)
            outcome = run(task, job, place)
        policy = policy_of(task, job, self._app.conf)
        now = self._app.clock.now()
        self.store.finish([settle(job, outcome, _NAME, policy, now)], now)

    def _key(self) -> int:
        if self._worker is None:
            card = WorkerCard(new_id(), _NAME, "localhost", os.getpid(), "", "eager", 1, None, (), ())
            self._worker = self.store.register(card, self._app.clock.now(), 2**62)
        return self._worker


_Any = Any
