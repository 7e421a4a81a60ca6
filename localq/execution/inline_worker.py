"""A worker's steps without a worker: a claimed job is run where that is asked for, and settled."""

from __future__ import annotations

from typing import Any, Protocol

from localq.exceptions import NotRegistered
from localq.execution.attempt import run
from localq.execution.dependents import behind, culprit_of, unfed
from localq.execution.inputs import fed
from localq.execution.policy import Rules, rules_of
from localq.execution.running import End, Runtime
from localq.execution.settle import expired, settle
from localq.execution.soft_limit import AlarmLimiter
from localq.model.clock import Clock
from localq.model.edges import Role
from localq.model.job import Job
from localq.model.outcome import Completion, Ending, Outcome
from localq.serialization.failure import describe, dump
from localq.serialization.sealing import seal_completion
from localq.settings import Settings
from localq.store.protocol import Inputs, Store
from localq.tasks.registry import TaskRegistry

__all__ = ["InlineWorker"]


class App(Protocol):
    """What running a job needs of an app."""

    conf: Settings
    tasks: TaskRegistry
    clock: Clock

    def accepts(self, task: str) -> tuple[str, ...]: ...


class InlineWorker:
    """Runs jobs of an app, one at a time.

    Args:
        store: Where they were claimed.
        name: What it calls itself, as a worker.
        eager: Whether runs happen within the calls that add their jobs.
    """

    def __init__(self, app: App, store: Store, name: str, *, eager: bool) -> None:
        self._app, self._name, self._eager = app, name, eager
        #: What the jobs that are in here came to, as it is; and the arguments of those that have theirs in here.
        self._ends: dict[str, End | None] = {}
        self._calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self.store: Store = store

    def complete(self, job: Job) -> Completion:
        """Run a claimed job, unless it is not to run any more; write down what came of it, and return that."""
        conf, now = self._app.conf, self._app.clock.now()
        rules = rules_of(job, self._app.tasks.find(job.task), conf)
        if job.culprit is not None:
            done = behind(job, culprit_of(job, self._inputs(job), self.store.read), self._name, rules, now)
        elif job.expires_at is not None and job.expires_at <= now:
            done = expired(job, self._name, rules, now)
        else:
            outcome = self._ran(job, rules, now)
            now = self._app.clock.now()
            done = settle(job, outcome, self._name, rules, now)
        self.store.jobs.finish([seal_completion(done, conf)], now)
        return done

    def _inputs(self, job: Job) -> Inputs:
        return self.store.read.inputs([job.id])[job.id]

    def _ran(self, job: Job, rules: Rules, now: int) -> Outcome:
        if job.role & Role.FED:
            given = self._inputs(job).given
            try:
                job = fed(job, rules.options.serializer, given, self._app.conf)
            except Exception as error:
                return self._keeping(job, error, unfed(error, now))
        return self._outcome(job, rules, now)

    def _outcome(self, job: Job, rules: Rules, now: int) -> Outcome:
        task, conf = self._app.tasks.find(job.task), self._app.conf
        if task is None:
            error = NotRegistered(f"Unknown task {job.task!r}. Import its module first.")
            return self._keeping(job, error, Outcome(Ending.FAILURE, now, now, failure=dump(describe(error))))
        limits = rules.limits
        limiter = AlarmLimiter(limits.hard) if limits.hard or limits.soft else None
        at = (self._name, self._app.clock, conf, limiter, self._eager)
        runtime = Runtime(*at, ends=self._ends, calls=self._calls or None)
        return run(task, job, rules.terms, runtime)

    def _keeping(self, job: Job, error: Exception, outcome: Outcome) -> Outcome:
        """Return an outcome; the error it came of is kept where somebody wants it."""
        if job.id in self._ends:
            self._ends[job.id] = End(error, failed=True)
        return outcome
