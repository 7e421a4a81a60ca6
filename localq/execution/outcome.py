"""What an attempt came to: a value returned or an error raised becomes an Outcome, and the task's hooks hear of it.

What users' code raises in here becomes an Outcome too, or is logged if a hook raises it; but a run that the worker
interrupts before its result is written down has no outcome (WorkerTerminate).
"""

from __future__ import annotations

import logging
import resource
import sys
from typing import Any

from localq.exceptions import (
    EncodeError,
    Ignore,
    Reject,
    Replaced,
    Retry,
    SoftTimeLimitExceeded,
    TaskPredicate,
    WorkerTerminate,
)
from localq.execution.callbacks import callbacks
from localq.execution.retry import backoff
from localq.execution.running import Running
from localq.model.edges import Role
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Outcome
from localq.serialization import codec, failure
from localq.signals import task_failure, task_retry, task_success
from localq.tasks.call_options import KEPT
from localq.tasks.call_times import When, zone_of
from localq.tasks.request import ExceptionInfo
from localq.tasks.task import Task

__all__ = ["ended_by", "failed", "refused", "succeeded"]

_log = logging.getLogger("localq.task")
#: Linux counts peak memory in KiB, macOS in bytes.
_PEAK_UNIT = 1024 if sys.platform == "darwin" else 1
_peak = 0


def succeeded(this: Running, value: Any) -> Outcome:
    """Return the outcome of a task that returned: a failure if what it returned cannot be written."""
    this.retval = value
    try:
        # What others wait for is kept for them, whoever else ignores it.
        ignored = this.context.ignore_result and not this.job.role & Role.AWAITED
        result = None if ignored else _encoded(this, value)
        follow_ups = _callbacks(this, value, result) if this.options.link else ()
    except WorkerTerminate:
        raise
    except BaseException as error:
        return failed(this, error)
    _tell(this, "on_success", "SUCCESS", value)
    if task_success.receivers:
        task_success.send(this.task, result=value)
    return _outcome(this, Ending.SUCCESS, result=result, follow_ups=follow_ups)


def ended_by(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of a task that raised: Retry, Ignore and Reject ask for one, most errors are failures."""
    try:
        if isinstance(error, Exception) and not isinstance(error, TaskPredicate):
            error = _auto_retried(this, error)
        this.retval = error
        if isinstance(error, Retry):
            return _retried(this, error)
        if isinstance(error, Replaced):
            return _replaced(this, error)
        if isinstance(error, Ignore):
            return _outcome(this, Ending.IGNORED)
        if isinstance(error, Reject):
            told = failure.dump(failure.describe(error))
            return _outcome(this, Ending.REJECTED, requeue=bool(error.requeue), failure=told)
    except WorkerTerminate:
        raise
    except BaseException as worse:
        error = worse
    return failed(this, error)


def failed(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of an attempt that failed with an error."""
    this.retval = error
    told = failure.describe(error)
    errors = this.place.errors
    if errors is not None and this.job.id in errors:
        errors[this.job.id] = error
    if isinstance(error, SoftTimeLimitExceeded):
        _log.warning("Soft time limit exceeded: %s[%s]", this.job.task, this.job.id)
    einfo = ExceptionInfo(error, told.traceback)
    _tell(this, "on_failure", "FAILURE", error, einfo)
    if task_failure.receivers:
        _signal_failure(this, error, einfo)
    return _outcome(this, Ending.FAILURE, failure=failure.dump(told))


def refused(this: Running, error: BaseException) -> Outcome:
    """Return the outcome of a job that is not to be trusted: a failure, and no code of the task's hears of it."""
    this.retval = error
    errors = this.place.errors
    if errors is not None and this.job.id in errors:
        errors[this.job.id] = error
    return _outcome(this, Ending.FAILURE, failure=failure.dump(failure.describe(error)))


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


def _outcome(this: Running, ending: Ending, **more: Any) -> Outcome:
    now = this.place.clock.now()
    shown = this.context.__dict__.get("shown")
    return Outcome(ending, this.started_at, now, shown=shown, peak_kb=_peak_kb(this.started_at, now), **more)


def _peak_kb(started_at: int, now: int) -> int:
    """Return the process's peak memory; asked again only after runs that took a millisecond."""
    global _peak
    if not _peak or now - started_at > 1000:
        _peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _PEAK_UNIT
    return _peak


# Results


def _encoded(this: Running, value: Any) -> bytes:
    result = codec.encode(value, this.options.serializer, "result")
    most = this.place.settings.result_max_bytes
    if len(result) > most:
        raise EncodeError(
            f"The result takes {len(result):,} bytes, over the limit of {most:,} (setting "
            "result_max_bytes). Store it elsewhere and return where it is."
        )
    return result


def _callbacks(this: Running, value: Any, result: bytes | None) -> tuple[NewJob, ...]:
    if result is None:
        result = _encoded(this, value)
    plain = callbacks(this.job, this.options, value, result, this.place.settings, this.place.clock.now())
    workflows = [link for link in this.options.link or () if "canvas" in link]
    return plain + tuple(
        new
        for link in workflows
        for new in this.task.app.plan_workflow(codec.decode(link["canvas"].encode()), (value,)).jobs
    )


# Replaced


def _replaced(this: Running, asked: Replaced) -> Outcome:
    """Return the outcome of a task that put another call in its place: its jobs, the last under this id."""
    app, job = this.task.app, this.job
    jobs = app.plan_workflow(asked.sig, as_one=job.id).jobs
    (new,) = [one for one in jobs if one.id == job.id]
    others = tuple(one._replace(workflow=job.workflow or this.context.root_id) for one in jobs if one.id != job.id)
    kept, own = JobOptions.read(new.options), this.options
    options = kept._replace(
        root_id=own.root_id,
        parent_id=own.parent_id,
        group_id=own.group_id,
        link=[*(kept.link or ()), *(own.link or ())] or None,
        link_error=[*(kept.link_error or ()), *(own.link_error or ())] or None,
        stamps={**(own.stamps or {}), **(kept.stamps or {})} or None,
    )
    return _outcome(this, Ending.REPLACED, replaced=new._replace(options=options.write()), follow_ups=others)


# Retries


def _auto_retried(this: Running, error: Exception) -> BaseException:
    """Return the Retry an error leads to by itself, the error that ends the retries, or the error unchanged."""
    task = this.task
    wanted, unwanted = tuple(task.autoretry_for or ()), tuple(task.dont_autoretry_for or ())
    if not isinstance(error, wanted) or isinstance(error, unwanted):
        return error
    options = dict(task.retry_kwargs)
    if task.retry_backoff:
        options["countdown"] = backoff(
            int(max(1.0, task.retry_backoff)),
            this.job.retries,
            maximum=task.retry_backoff_max,
            jitter=task.retry_jitter,
        )
    try:
        task.retry(exc=error, **options)
    except BaseException as ended:
        return ended
    return error


def _retried(this: Running, again: Retry) -> Outcome:
    cause = again.exc or again
    told = failure.describe(cause)
    einfo = ExceptionInfo(cause, told.traceback)
    _tell(this, "on_retry", "RETRY", cause, einfo)
    if task_retry.receivers:
        task_retry.send(this.task, request=this.context, reason=again, einfo=einfo)
    when = When(zone_of(this.place.settings), this.place.clock.now())
    run_at = when.micros(0 if again.when is None else again.when, "eta")
    changes = _changed_call(this, again)
    return _outcome(this, Ending.RETRY, failure=failure.dump(told), run_at=run_at, **changes)


def _changed_call(this: Running, again: Retry) -> dict[str, Any]:
    """Return what a retry changes of the job: new arguments and options, encoded."""
    sig = again.sig
    if sig is None or not sig.get("changed"):
        return {}
    options = dict(sig["options"])
    kept = {name: options[name] for name in KEPT if name in options and name != "serializer"}
    return {
        "args": codec.encode_call(tuple(sig["args"]), sig["kwargs"], this.options.serializer),
        "options": this.options._replace(**kept).write(),
        "queue": options.get("queue"),
        "priority": options.get("priority"),
    }


# Hooks


def _tell(this: Running, hook: str, status: str, value: Any, *einfo: ExceptionInfo) -> None:
    """Call the task's hook for an ending, and `after_return`, where its class defines them."""
    made = type(this.task)
    if getattr(made, hook) is not getattr(Task, hook):
        _call_hook(this, hook, value, this.job.id, this.args, this.kwargs, *einfo)
    if made.after_return is not Task.after_return:
        _call_hook(this, "after_return", status, value, this.job.id, this.args, this.kwargs, *(einfo or (None,)))


def _call_hook(this: Running, name: str, *args: Any) -> None:
    """Call a hook; what it raises is logged and changes nothing (celery/app/trace.py of 5.7)."""
    try:
        getattr(this.task, name)(*args)
    except BaseException:
        _log.exception("%s of %s[%s] failed", name, this.job.task, this.job.id)
