"""Eager mode: jobs run in the caller, at once, on a store in memory; every other line is the engine's own.

Waiting is skipped: a retry runs as soon as its turn comes, whenever it is due. Both time limits hold in the
main thread, where a signal can interrupt; in other threads the soft one does.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

from localq.execution.inline_worker import App, InlineWorker
from localq.execution.policy import Rules
from localq.execution.running import End
from localq.model.clock import Clock
from localq.model.ids import new_id
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion, Outcome
from localq.model.worker import EVERY_QUEUE, Claim, WorkerCard
from localq.result import EagerResult
from localq.serialization.sealing import seal_calls
from localq.serialization.tagged_json.held import keeping
from localq.settings import Settings
from localq.states import FAILURE, SUCCESS
from localq.store import open_store
from localq.store.protocol import Store

__all__ = ["Eager"]

_log = logging.getLogger("localq.task")
#: Said before the program ends: else it ends without a word, as if the call had done that.
_LEFT = "A task raised %r: run here and now, it ends this program; in a worker it fails its job (WorkerLostError)."

#: What jobs came to, by their ids; None: it did not run, or not to an end.
Ends: TypeAlias = Mapping[str, End | None]

_NAME = "eager"
#: The lease of who runs jobs in the caller, in microseconds: nobody takes its jobs over.
_FOR_EVER_US = 2**60
#: Seconds between looks at a job that another thread runs.
_LOOK_S = 0.5
#: The jobs that run around the current call: waiting for one of these would never end.
_around: ContextVar[tuple[str, ...]] = ContextVar("localq_eager_around", default=())


class Eager(InlineWorker):
    """Runs an app's jobs in the caller, and reads their results (`localq.result.lineage.Source`).

    Args:
        store: Where the jobs are; default: one of its own in memory.
        inline: Whether runs happen within the calls that add their jobs, and may wait for such calls' results.
    """

    def __init__(self, app: App, store: Store | None = None, *, inline: bool = True) -> None:
        super().__init__(app, open_store(":memory:") if store is None else store, _NAME, eager=inline)
        self._lock = threading.Lock()
        self._ended = threading.Condition()
        self._worker: int | None = None

    def run(
        self, jobs: Sequence[NewJob], *, throw: bool = False, call: tuple[Any, dict[str, Any]] | None = None
    ) -> Ends:
        """Add jobs, then run each, and whatever follows from it, to the end, in order; return what they came to.

        Args:
            throw: Raise the very error the first of them failed with.
            call: The arguments of the first, as they are.
        """
        if not jobs:
            return {}
        self._ends.update(dict.fromkeys([new.id for new in jobs]))
        if call is not None:
            self._calls[jobs[0].id] = call
        try:
            with keeping():
                sealed = seal_calls([new._replace(run_at=None) for new in jobs], self._app.conf)
                self.store.jobs.add(sealed, self._app.clock.now())
                for new in jobs:
                    self._run_until_final(new.id)
        finally:
            self._calls.pop(jobs[0].id, None)
            ends = {new.id: self._ends.pop(new.id, None) for new in jobs}
        for end in ends.values():
            # What would end a slot's process is meant for this one.
            if end is not None and end.failed and (throw or not isinstance(end.value, Exception)):
                if isinstance(end.value, SystemExit):
                    _log.warning(_LEFT, end.value)
                raise end.value
        return ends

    def result(self, job_id: str, ends: Ends, parent: Any = None) -> EagerResult[Any]:
        """Return the result of a job that was run, with what it came to as it is.

        Args:
            ends: What `run` returned.
        """
        found: EagerResult[Any] = EagerResult(job_id, app=self, parent=parent)
        end = ends.get(job_id)
        if end is None or found.state != (FAILURE if end.failed else SUCCESS):
            return found
        return EagerResult(job_id, end.value, found.state, found.traceback, found.name, app=self, parent=parent)

    @property
    def conf(self) -> Settings:
        """The app's settings."""
        return self._app.conf

    def run_due(self) -> Claim:
        """Run the jobs that are due, in order, and what follows from them at once.

        Returns:
            The runs, as they were claimed, and when the next job is due.
        """
        done: list[Job] = []
        while True:
            claim = self.store.jobs.claim(self._key(), EVERY_QUEUE, 1, self._app.clock.now())
            if not claim.jobs:
                return Claim(done, claim.next_at)
            for job in claim.jobs:
                self.complete(job)
            done += claim.jobs

    def complete(self, job: Job) -> Completion:
        """Run a claimed job, and tell the threads that wait for one."""
        done = super().complete(job)
        with self._ended:
            self._ended.notify_all()
        return done

    @property
    def clock(self) -> Clock:
        """The app's clock."""
        return self._app.clock

    def accepts(self, task: str) -> tuple[str, ...]:
        """Return the serializers that may be read for a task."""
        return self._app.accepts(task)

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs; return the state each known one had."""
        return self.store.jobs.cancel(ids, self._app.clock.now(), signal)

    def _run_until_final(self, job_id: str) -> None:
        while True:
            now = self._app.clock.now()
            claim = self.store.jobs.claim(self._key(), EVERY_QUEUE, 1, now)
            if not claim.jobs and claim.next_at is not None:
                claim = self.store.jobs.claim(self._key(), EVERY_QUEUE, 1, max(now, claim.next_at))
            for job in claim.jobs:
                self.complete(job)
            if not claim.jobs and (job_id in _around.get() or self._is_final(job_id)):
                return
            if not claim.jobs:
                # Another thread runs it.
                with self._ended:
                    self._ended.wait_for(lambda: self._is_final(job_id), _LOOK_S)

    def _is_final(self, job_id: str) -> bool:
        job = self.store.read.get([job_id]).get(job_id)
        return job is None or JobState(job.state).final

    def _outcome(self, job: Job, rules: Rules, now: int) -> Outcome:
        token = _around.set((*_around.get(), job.id))
        try:
            return super()._outcome(job, rules, now)
        finally:
            _around.reset(token)

    def _key(self) -> int:
        with self._lock:
            if self._worker is None:
                card = WorkerCard(new_id(), _NAME, "localhost", os.getpid(), "eager", 1, None, (), ())
                self._worker = self.store.workers.enter(card, self._app.clock.now(), _FOR_EVER_US)
            return self._worker
