"""What an attempt came to: a value returned or an error raised becomes an Outcome, and the task's hooks hear of it.

What users' code raises in here becomes an Outcome too, or is logged if a hook raises it; but a run that the worker
interrupts before its result is written down has no outcome (WorkerTerminate).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from localq.canvas import Signature, signature
from localq.canvas.planning import ACCUMULATE
from localq.exceptions import (
    EncodeError,
    Ignore,
    ImproperlyConfigured,
    InvalidTaskError,
    Reject,
    Replaced,
    Retry,
    SoftTimeLimitExceeded,
    TaskPredicate,
    WorkerLostError,
    WorkerTerminate,
)
from localq.execution.followers import after_failure, after_success, heard
from localq.execution.hooks import tell
from localq.execution.retry import auto_retried, retried
from localq.execution.running import Running
from localq.model.edges import Role
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Outcome
from localq.result import AsyncResult, GroupResult
from localq.serialization import codec, failure
from localq.serialization.tagged_json.held import passing_on
from localq.signals import task_failure, task_success
from localq.tasks.request import ExceptionInfo

__all__ = ["ended_by", "failed", "refused", "succeeded"]

_RESULTS = (AsyncResult, GroupResult)
_log = logging.getLogger("localq.task")


def succeeded(this: Running, value: Any) -> Outcome:
    """Return the outcome of a task that returned: a failure if what it returned cannot be written."""
    this.succeed(value)
    try:
        # What others wait for is kept for them, whoever else ignores it.
        ignored = this.context.ignore_result and not this.job.role & Role.AWAITED
        result = None if ignored else _encoded(this, value)
        follow_ups = _followed(this, value, result) if this.options.link else ()
    except WorkerTerminate:
        raise
    except BaseException as error:
        return failed(this, error)
    tell(this, "on_success", "SUCCESS", value)
    if task_success.receivers:
        task_success.send(this.task, result=value)
    return this.success(result, follow_ups)


def ended_by(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of a task that raised: Retry, Ignore and Reject ask for one, most errors are failures."""
    try:
        if isinstance(error, Exception) and not isinstance(error, TaskPredicate):
            error = auto_retried(this, error)
        this.retval = error
        if isinstance(error, Retry):
            return retried(this, error)
        if isinstance(error, Replaced):
            return _replaced(this, error)
        if isinstance(error, Ignore):
            return this.outcome(Ending.IGNORED)
        if isinstance(error, Reject):
            told = failure.dump(failure.describe(error))
            return this.outcome(Ending.REJECTED, requeue=bool(error.requeue), failure=told)
    except WorkerTerminate:
        raise
    except BaseException as worse:
        error = worse
    return failed(this, error)


def failed(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of an attempt that failed with an error."""
    this.fail(error)
    if issubclass(type(error), SystemExit | KeyboardInterrupt):
        error = _lost_by(error)
        this.retval = error
    told = failure.describe(error)
    if issubclass(type(error), SoftTimeLimitExceeded):
        _log.warning("Soft time limit exceeded: %s[%s]", this.job.task, this.job.id)
    written = failure.dump(told)
    follow_ups = after_failure(this, written) if this.options.link_error else None
    einfo = ExceptionInfo(error, told.traceback)
    tell(this, "on_failure", "FAILURE", error, einfo)
    if task_failure.receivers:
        _signal_failure(this, error, einfo)
    return this.outcome(
        Ending.FAILURE, failure=written, follow_ups=follow_ups or (), errbacks_made=follow_ups is not None
    )


def _lost_by(error: BaseException) -> WorkerLostError:
    """Return what a job fails with whose task would have ended its process: who asks for the result must not end."""
    lost = WorkerLostError(f"The task raised {error!r}, which ends the process it is raised in.")
    lost.__cause__ = error
    return lost


def refused(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of a job that is not to be trusted: a failure, and no code of the task's hears of it."""
    this.fail(error)
    return this.outcome(Ending.FAILURE, failure=failure.dump(failure.describe(error)))


def _signal_failure(this: Running, error: BaseException, einfo: ExceptionInfo) -> None:
    task_failure.send(
        this.task,
        task_id=this.job.id,
        exception=error,
        args=this.args,
        kwargs=this.kwargs,
        traceback=error.__traceback__,
        einfo=einfo,
    )


# Results


def _encoded(this: Running, value: Any) -> bytes:
    serializer = this.options.serializer
    if isinstance(value, _RESULTS) and serializer != "pickle":
        value = _as_lists(value.as_tuple())
    if this.runtime.eager and not this.runtime.settings.task_store_eager_result:
        # What stays in this process needs no words.
        with passing_on():
            result = codec.encode(value, serializer, "result")
    else:
        result = codec.encode(value, serializer, "result")
    most = this.runtime.settings.result_max_bytes
    if len(result) > most:
        raise EncodeError(
            f"The result takes {len(result):,} bytes, over the limit of {most:,} (setting "
            "result_max_bytes). Store it elsewhere and return where it is."
        )
    return result


def _as_lists(found: Any) -> Any:
    """Return what `as_tuple` says of a result as it comes back from Celery's: `result_from_tuple` reads both."""
    return [_as_lists(one) for one in found] if isinstance(found, tuple | list) else found


def _followed(this: Running, value: Any, result: bytes | None) -> tuple[NewJob, ...]:
    return after_success(this, value, _encoded(this, value) if result is None else result)


# Replaced


def _replaced(this: Running, asked: Replaced) -> Outcome:
    """Return the outcome of a task that put another call in its place: its jobs, the last under this id."""
    app, job = this.task.app, this.job
    jobs = app.plan_workflow(_heard(asked.sig, this.options), as_one=job.id).jobs
    new = next((one for one in jobs if one.id == job.id), None)
    if new is None:
        raise InvalidTaskError(f"{job.task} was to be replaced by a call that its task's apply_async() did not send")
    others = [one._replace(workflow=job.workflow or this.context.root_id) for one in jobs if one.id != job.id]
    kept, own = JobOptions.read(new.options), this.options
    options = kept._replace(
        root_id=own.root_id,
        parent_id=own.parent_id,
        group_id=own.group_id,
        link=[*(kept.link or ()), *_once(own.link)] or None,
        as_body=kept.as_body or own.as_body,
        stamps={**(own.stamps or {}), **(kept.stamps or {})} or None,
    )
    new, *others = heard(this, (new._replace(options=options.write()), *others))
    return this.outcome(Ending.REPLACED, replaced=new, follow_ups=tuple(others))


def _once(links: Sequence[Any] | None) -> list[Any]:
    """Return callbacks, each that is there already left out: as in Celery, those of what is replaced twice."""
    found: list[Any] = []
    for one in links or ():
        if one not in found:
            found.append(one)
    return found


def _heard(given: Mapping[str, Any], options: JobOptions) -> Signature[Any]:
    """Return the call that comes in a job's place, with the job's error callbacks; a group ends in a list of its own.

    Raises:
        ImproperlyConfigured: it is a chain without tasks.
    """
    sig: Any = signature(given)
    if sig.subtask_type == "chain" and not sig.tasks:
        raise ImproperlyConfigured("A task cannot be replaced with an empty chain: nothing would come in its place.")
    if sig.subtask_type == "group":
        sig = sig | Signature(ACCUMULATE)
    elif sig.subtask_type == "chain" and sig.tasks[-1].subtask_type == "group":
        sig.tasks[-1] = sig.tasks[-1] | Signature(ACCUMULATE)
    for errback in options.link_error or ():
        sig.link_error(errback)
    made: Signature[Any] = sig
    return made
