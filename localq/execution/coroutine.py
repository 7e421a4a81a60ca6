"""Run one attempt of a task that is a coroutine, among others on one event loop (see `localq.execution.attempt`)."""

from __future__ import annotations

from types import CoroutineType
from typing import Any

from localq import current
from localq.exceptions import TimeLimitExceeded, WorkerTerminate
from localq.execution.attempt import astray, begin, end_if_forked, read, sealed, tell_end
from localq.execution.drive import Drive
from localq.execution.outcome import ended_by, succeeded
from localq.execution.policy import Terms
from localq.execution.running import Running, Runtime
from localq.host.this_process import pid
from localq.model.job import Job
from localq.model.outcome import Outcome
from localq.signals import task_postrun
from localq.tasks.task import Task

__all__ = ["run"]


async def run(task: Task[..., Any], job: Job, terms: Terms, runtime: Runtime, drive: Drive) -> Outcome:
    """Run a job's task once, on this loop; see `localq.execution.attempt.run`.

    Args:
        drive: Interrupts the run.
    """
    this = Running(task, job, terms, runtime._replace(limiter=drive))
    token = current.request.set(this.context)
    try:
        outcome = await _attempted(this, drive)
        if task_postrun.receivers and this.begun:
            tell_end(this, outcome)
        return sealed(this, outcome)
    except (WorkerTerminate, TimeLimitExceeded):
        raise
    except BaseException as error:
        return astray(this, error)
    finally:
        current.request.reset(token)
        this.retval = None


async def _attempted(this: Running, drive: Drive) -> Outcome:
    unreadable = read(this)
    if unreadable is not None:
        return unreadable
    process = pid()
    try:
        begin(this)
        drive.start(this.context.soft_time_limit)
        try:
            value = this.task(*this.args, **this.kwargs)
            if isinstance(value, CoroutineType):
                value = await drive.drive(value)
        finally:
            drive.stop()
    except BaseException as error:
        end_if_forked(this, process, error)
        if issubclass(type(error), WorkerTerminate):
            raise
        return ended_by(this, error)
    end_if_forked(this, process)
    return succeeded(this, value)
