"""The process of the gevent pool: a greenlet for each job, which gives way to others where it waits.

Python's modules were patched before this one was imported (`gevent.monkey.patch_all`).
"""

from __future__ import annotations

import inspect
import os
from functools import partial
from typing import Any, cast

import gevent
from gevent import monkey

from localq.exceptions import ImproperlyConfigured, SoftTimeLimitExceeded
from localq.execution import attempt
from localq.execution.policy import Terms
from localq.model.clock import SYSTEM
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.serialization import failure
from localq.tasks.task import Task
from localq.worker.pool.event_loop.child_main import Child, Told, end_at_once, enter
from localq.worker.pool.frames import receive
from localq.worker.pool.unknown_task import HINT, unknown_task

__all__ = ["main"]


class _GreenletLimiter:
    """Raises SoftTimeLimitExceeded in the greenlet that starts it, where that waits."""

    hard: float | None = None

    def __init__(self) -> None:
        self._timeout: Any = None

    def start(self, seconds: float | None) -> None:
        """Raise after so many seconds, if any."""
        if seconds:
            self._timeout = gevent.Timeout.start_new(seconds, SoftTimeLimitExceeded(seconds))

    def stop(self) -> None:
        """Raise nothing any more."""
        if self._timeout is not None:
            self._timeout.close()


class _Greenlet:
    """A run in a greenlet of its own."""

    def __init__(self, child: Child, job: Job, terms: Terms) -> None:
        self._child, self._job, self._terms = child, job, terms
        self._begun = self._over = self._reported = False
        self._error: type[BaseException] | None = None
        self._outcome: Outcome | None = None
        self._greenlet: Any = gevent.spawn(self._run)
        self._greenlet.link(self._see_to_report)

    def interrupt(self, error: type[BaseException]) -> None:
        """Raise an error in the run, where it waits."""
        if not self._begun:
            self._error = error
        elif not self._over:
            self._greenlet.kill(error, block=False)

    def _run(self) -> None:
        self._begun = True
        if self._error is None:
            try:
                self._outcome = self._attempt()
            except BaseException as error:
                self._outcome = self._child.escaped(self._job, error)
        self._over = True
        self._report()

    def _report(self) -> None:
        self._child.ended(self._job, self._outcome)
        self._reported = True

    def _see_to_report(self, greenlet: Any) -> None:
        """Report from another greenlet what was not: any task can kill this one, before it begins or as it reports."""
        if not self._reported:
            gevent.spawn(self._report_or_end).link(self._see_to_report)

    def _report_or_end(self) -> None:
        try:
            self._report()
        except Exception as error:
            end_at_once(error)

    def _attempt(self) -> Outcome:
        child, job = self._child, self._job
        task = child.app.tasks.find(job.task)
        if task is None:
            return unknown_task(job, HINT)
        if inspect.iscoroutinefunction(task.run):
            return _refused(task)
        child.begin(job)
        return attempt.run(task, job, self._terms, child.runtime._replace(limiter=_GreenletLimiter()))


def _refused(task: Task[..., Any]) -> Outcome:
    error = ImproperlyConfigured(f"Task {task.name} is a coroutine, which greenlets cannot run: use -P asyncio for it.")
    now = SYSTEM.now()
    return Outcome(Ending.FAILURE, now, now, failure=failure.dump(failure.describe(error)))


def _serve(child: Child) -> None:
    # gevent installs what hears of the end of children after the first fork: a child that is quicker than that, as on a
    # busy machine, would be waited for without end.
    gevent.get_hub().loop.install_sigchld()
    child.ready()
    try:
        while child.obey(receive(child.jobs), partial(_Greenlet, child)):
            pass
    except BaseException as error:
        # Such as gevent's LoopExit: a process without its hub could not even end in order.
        end_at_once(error)
    if child.running:
        os._exit(0)


def _watch(parent: int) -> None:
    """Watch the parent from a real thread: a greenlet that never waits would keep another greenlet from it."""
    start: Any = monkey.get_original("_thread", "start_new_thread")
    sleep: Any = monkey.get_original("time", "sleep")

    def end_with() -> None:
        while os.getppid() == parent:
            sleep(1.0)
        os._exit(1)

    start(end_with, ())


def main(*told: Any) -> None:
    """Run the process."""
    enter(_serve, _watch, cast(Told, told))
