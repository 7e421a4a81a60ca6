"""Run one attempt of a job, here and now, and say what came of it.

Everything that is the user's code happens in here and in `localq.execution.outcome`: decoding arguments, the task, its
hooks, encoding the result. Nothing it does, short of ending the process, escapes as anything but an Outcome.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import os
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import CoroutineType
from typing import Any

from localq import current
from localq.exceptions import ImproperlyConfigured, SecurityError, TimeLimitExceeded, WorkerTerminate
from localq.execution.outcome import ended_by, failed, refused, succeeded
from localq.execution.policy import Terms
from localq.execution.running import Running, Runtime
from localq.execution.unasked import asked_for
from localq.host.this_process import pid
from localq.model import failpoints
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.serialization import failure
from localq.serialization.sealing import seal_outcome
from localq.signals import task_internal_error, task_postrun, task_prerun
from localq.tasks.task import Task

__all__ = ["astray", "begin", "end_if_forked", "escaped", "read", "run", "sealed", "tell_end"]

# asyncio is loaded where a coroutine runs: most slots never see one.
_OWN_LOOP = "localq.execution.own_loop"


def run(task: Task[..., Any], job: Job, terms: Terms, runtime: Runtime) -> Outcome:
    """Run a job's task once.

    Args:
        task: The registered task of the job's name.
        job: The claimed job, with its arguments.
        terms: What applies to the run.
        runtime: Where this happens.

    Returns:
        What came of it, with follow-up jobs for its callbacks, packed and signed as the settings say; never raises
        for anything the task does.

    Raises:
        WorkerTerminate: the worker interrupted the run; it has no outcome. Or the task raised it by itself, which
            its caller has to tell apart (`escaped`).
    """
    # What the task makes current is current in its own run, and gone with it.
    return contextvars.copy_context().run(_run, Running(task, job, terms, runtime))


def _run(this: Running) -> Outcome:
    current.request.set(this.context)
    try:
        outcome = _attempted(this)
        if task_postrun.receivers and this.begun:
            tell_end(this, outcome)
        return sealed(this, outcome)
    except (WorkerTerminate, TimeLimitExceeded):
        raise
    except BaseException as error:
        return astray(this, error)
    finally:
        # An error leads through its traceback to this object, and must not lead on to itself.
        this.retval = None


def astray(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of an attempt whose error escaped where none may: it must not begin again without end."""
    return this.outcome(Ending.FAILURE, failure=failure.dump(failure.describe(error)))


def escaped(error: BaseException, started_at: int | None, now: int) -> Outcome:
    """Return the outcome of a job whose run an error has left that nobody asked for: it must not begin again."""
    return Outcome(Ending.FAILURE, started_at, now, failure=failure.dump(failure.describe(error)))


def sealed(this: Running, outcome: Outcome) -> Outcome:
    """Return an outcome as it leaves: packed and signed as the settings say, a failure where that cannot be."""
    try:
        return seal_outcome(this.job, this.options.serializer, outcome, this.runtime.settings)
    except ImproperlyConfigured as error:
        return refused(this, error)


def _attempted(this: Running) -> Outcome:
    unreadable = read(this)
    if unreadable is not None:
        return unreadable
    process = pid()
    try:
        value = _call(this)
    except BaseException as error:
        end_if_forked(this, process, error)
        if issubclass(type(error), WorkerTerminate):  # its class may lie to isinstance(), or raise
            raise
        return ended_by(this, error)
    if pid() != process:
        end_if_forked(this, process)
    return succeeded(this, value)


def end_if_forked(this: Running, process: int, error: BaseException | None = None) -> None:
    """End this process if the task's code forked it and came back out of there: it runs no jobs, and reports nothing.

    In eager mode the program itself called the task, and goes on in both.

    Args:
        process: The one in which the task was called.
        error: What it left the code with; told on standard error, as Python does.
    """
    if pid() == process or this.runtime.eager:
        return
    code = 0 if error is None else 1
    with contextlib.suppress(BaseException):
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


def read(this: Running) -> Outcome | None:
    """Decode the arguments and fill in the request; return the outcome of a job that is not to run now."""
    try:
        this.read_call()
    except WorkerTerminate:
        raise
    except BaseException as error:
        told = refused(this, error) if isinstance(error, SecurityError) else failed(this, error)
        if task_internal_error.receivers:
            fields = {"request": this.context, "exception": error, "traceback": error.__traceback__, "einfo": None}
            task_internal_error.send(this.task, task_id=this.job.id, args=this.args, kwargs=this.kwargs, **fields)
        return told
    return _asked_for(this) if this.options.unasked else None


def _asked_for(this: Running) -> Outcome | None:
    try:
        return asked_for(this)
    except WorkerTerminate:
        raise
    except BaseException as error:
        return failed(this, error)


def begin(this: Running) -> None:
    """Do what comes before every call of a task."""
    task, this.begun = this.task, True
    if task_prerun.receivers:
        task_prerun.send(task, task_id=this.job.id, task=task, args=this.args, kwargs=this.kwargs)
    if type(task).before_start is not Task.before_start:
        task.before_start(this.job.id, this.args, this.kwargs)


def tell_end(this: Running, outcome: Outcome) -> None:
    """Send task_postrun."""
    task_postrun.send(
        this.task,
        task_id=this.job.id,
        task=this.task,
        args=this.args,
        kwargs=this.kwargs,
        retval=this.retval,
        state=outcome.ending.name,
    )


def _call(this: Running) -> Any:
    """Call the task under its limits, and run a coroutine to its end."""
    task, limiter, soft = this.task, this.runtime.limiter, this.limits.soft
    begin(this)
    if limiter is not None and not soft and not limiter.hard:
        limiter = None
    failpoints.point("run.before")
    if limiter is not None:
        limiter.start(soft)
    try:
        value = task(*this.args, **this.kwargs)
        if isinstance(value, CoroutineType):
            value = _awaited(_unforked(this, value))
    finally:
        if limiter is not None:
            limiter.stop()
    failpoints.point("run.after")
    return value


# Coroutines


async def _unforked(this: Running, coroutine: Any) -> Any:
    """Return what a coroutine comes to, in the process that called it: a fork of that shares its loop."""
    process = pid()
    try:
        value = await coroutine
    except BaseException as error:
        end_if_forked(this, process, error)
        raise
    end_if_forked(this, process)
    return value


def _awaited(coroutine: Any) -> Any:
    """Return what a coroutine comes to, on an event loop of its own."""
    in_own_loop = importlib.import_module(_OWN_LOOP).in_own_loop
    if not _in_loop():
        return in_own_loop(coroutine)
    # Eager mode in a coroutine of the caller, whose loop runs in this thread.
    with ThreadPoolExecutor(1) as other:
        # The request, and whatever else is current here, is current there too.
        return other.submit(contextvars.copy_context().run, in_own_loop, coroutine).result()


def _in_loop() -> bool:
    """Whether an event loop runs in this thread; without asyncio none does, and it is not loaded to find out."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running is not None and running() is not None
