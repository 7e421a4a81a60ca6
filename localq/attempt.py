"""Run one attempt of a job, here and now, and say what came of it.

Everything that is the user's code happens in here: decoding arguments, the task, its hooks, encoding the
result. Nothing it does, short of ending the process, escapes as anything but an Outcome.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import resource
import sys
import threading
from typing import Any, NamedTuple, Protocol

from localq import codec, current, failure, fault
from localq.call import KEPT, When
from localq.callbacks import callbacks
from localq.clock import Clock, to_datetime
from localq.exceptions import (
    EncodeError,
    Ignore,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    TaskPredicate,
    WorkerTerminate,
)
from localq.job import Ending, Job, NewJob, Outcome
from localq.options import JobOptions
from localq.retry import backoff
from localq.settings import Settings
from localq.task import Context, ExceptionInfo, Task

__all__ = ["Limiter", "Place", "run"]

_log = logging.getLogger("localq.task")
_SECOND = 1_000_000
# Linux counts peak memory in KiB, macOS in bytes.
_PEAK_UNIT = 1024 if sys.platform == "darwin" else 1


class Limiter(Protocol):
    """What interrupts a run at its soft limit, in the way of the pool at hand."""

    def start(self, seconds: float | None) -> None:
        """Raise SoftTimeLimitExceeded in this thread after so many seconds, if any."""
        ...

    def stop(self) -> None:
        """Raise nothing any more."""
        ...


class Place(NamedTuple):
    """Where an attempt runs: the worker's name, its clock and settings, and what interrupts runs.

    `eager` runs are done for the caller itself; `errors` takes the errors of the jobs it names, as they were
    raised. `templates` keeps, by task, what the requests of plain jobs have in common; None builds each anew.
    """

    worker: str
    clock: Clock
    settings: Settings
    limiter: Limiter | None = None
    eager: bool = False
    errors: dict[str, BaseException | None] | None = None
    templates: dict[str, dict[str, Any]] | None = None


class _Run:
    """The state of one attempt while it runs."""

    __slots__ = ("context", "job", "options", "place", "serializer", "started_at", "task")

    def __init__(self, task: Task[..., Any], job: Job, place: Place) -> None:
        self.task, self.job, self.place = task, job, place
        self.options = JobOptions.read(job.options)
        self.serializer = self.options.serializer
        self.started_at = place.clock.now()
        self.context: Context = Context()


def run(task: Task[..., Any], job: Job, place: Place) -> Outcome:
    """Run a job's task once.

    Args:
        task: The registered task of the job's name.
        job: The claimed job, with its arguments.
        place: Where this happens.

    Returns:
        What came of it, with follow-up jobs for its callbacks; never raises for anything the task does.

    Raises:
        WorkerTerminate: the worker interrupted the run; it has no outcome.
    """
    this = _Run(task, job, place)
    token = current.request.set(this.context)
    try:
        try:
            args, kwargs = codec.decode_call(
                job.args or b"[[],{}]", this.serializer, place.settings.accept_content
            )
        except BaseException as error:
            return _failed(this, error, (), {})
        this.context = _context(this, args, kwargs)
        current.request.set(this.context)
        if this.options.errback is not None:
            args, kwargs = _errback_call(this, args, kwargs)
        try:
            if type(task).before_start is not Task.before_start:
                task.before_start(job.id, args, kwargs)
            fault.point("run.before")
            value = _call(this, args, kwargs)
            fault.point("run.after")
        except WorkerTerminate:
            raise
        except BaseException as error:
            return _ended_by(this, error, args, kwargs)
        return _succeeded(this, value, args, kwargs)
    finally:
        current.request.reset(token)


def _context(this: _Run, args: Any, kwargs: Any) -> Context:
    """Return the request; what is the same for every plain job of a task is put together once."""
    job, templates = this.job, this.place.templates
    fields = None if templates is None or job.options is not None else templates.get(job.task)
    if fields is None:
        fields = _common_fields(this)
        if templates is not None and job.options is None:
            templates[job.task] = fields
    context = Context()
    context.__dict__.update(
        fields,
        id=job.id,
        args=args,
        kwargs=kwargs,
        retries=job.retries,
        attempt=job.attempts,
        delivery_info={"queue": job.queue, "routing_key": job.queue, "priority": job.priority},
        root_id=this.options.root_id or job.id,
    )
    if job.run_at > job.created_at:
        context.eta = to_datetime(job.run_at).isoformat()
    if job.expires_at is not None:
        context.expires = to_datetime(job.expires_at).isoformat()
    return context


def _common_fields(this: _Run) -> dict[str, Any]:
    options, task, settings = this.options, this.task, this.place.settings
    return {
        "called_directly": False,
        "task": this.job.task,
        "is_eager": this.place.eager,
        "hostname": this.place.worker,
        "parent_id": options.parent_id,
        "group": options.group_id,
        "callbacks": options.link,
        "errbacks": options.link_error,
        "time_limit": _limit(options.time_limit, task.time_limit, settings.task_time_limit),
        "soft_time_limit": _limit(
            options.soft_time_limit, task.soft_time_limit, settings.task_soft_time_limit
        ),
        "headers": options.headers,
        "shadow": options.shadow,
        "ignore_result": _ignored(this),
        "max_retries": options.max_retries,
        "argsrepr": options.argsrepr,
        "kwargsrepr": options.kwargsrepr,
        "shown": None,
    }


def _limit(*said: float | None) -> float | None:
    """Return the first limit that was said; 0 says none."""
    for one in said:
        if one is not None:
            return one or None
    return None


def _ignored(this: _Run) -> bool:
    for said in (this.options.ignore_result, this.task.ignore_result):
        if said is not None:
            return bool(said)
    return bool(this.place.settings.task_ignore_result)


# Calling

_local = threading.local()


def _call(this: _Run, args: Any, kwargs: Any) -> Any:
    """Call the task under its soft limit; run a coroutine to its end."""
    limiter = this.place.limiter
    soft = this.context.soft_time_limit
    if limiter is not None and (soft or this.place.eager):
        limiter.start(soft)
        try:
            return _finished(this, this.task(*args, **kwargs))
        finally:
            limiter.stop()
    return _finished(this, this.task(*args, **kwargs))


def _finished(this: _Run, value: Any) -> Any:
    """Return a value, or what a coroutine comes to; in a slot all coroutines share a loop, which lives as
    long.
    """
    if not inspect.iscoroutine(value):
        return value
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if this.place.eager:
            return asyncio.run(value)
        runner = getattr(_local, "runner", None)
        if runner is None:
            runner = _local.runner = asyncio.Runner()
        return runner.run(value)
    # Eager mode inside a running loop: a loop of its own, in a thread of its own.
    return _in_own_loop(value)


def _in_own_loop(coroutine: Any) -> Any:
    ended: list[tuple[Any, BaseException | None]] = []

    def drive() -> None:
        try:
            ended.append((asyncio.run(coroutine), None))
        except BaseException as error:
            ended.append((None, error))

    # The request, and whatever else is current here, is current there too.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(drive,))
    thread.start()
    thread.join()
    value, error = ended[0]
    if error is not None:
        raise error
    return value


def _errback_call(this: _Run, args: tuple[Any, ...], kwargs: Any) -> tuple[tuple[Any, ...], Any]:
    """Return what an error callback is called with: `(request, exc, traceback)` if it takes that many, else
    the id.
    """
    said = this.options.errback or {}
    try:
        required = [
            one
            for one in inspect.signature(this.task.run).parameters.values()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.default is one.empty
        ]
    except (TypeError, ValueError):
        required = []
    if len(required) <= 1 + max(0, len(args) - 1):
        return args, kwargs
    told = failure.load(str(said.get("failure", "")).encode())
    request = Context(called_directly=False, **dict(said.get("request", {})))
    return (request, failure.rebuild(told), told.traceback, *args[1:]), kwargs


# Endings


def _outcome(this: _Run, ending: Ending, **more: Any) -> Outcome:
    now = this.place.clock.now()
    return Outcome(
        ending,
        this.started_at,
        now,
        shown=this.context.__dict__.get("shown"),
        peak_kb=_peak_kb(this.started_at, now),
        **more,
    )


_peak = 0


def _peak_kb(started_at: int, now: int) -> int:
    """Return the process's peak memory; asked again only after runs that took a millisecond."""
    global _peak
    if not _peak or now - started_at > 1000:
        _peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _PEAK_UNIT
    return _peak


def _succeeded(this: _Run, value: Any, args: Any, kwargs: Any) -> Outcome:
    task = this.task
    try:
        result = None if this.context.ignore_result else _encoded(this, value)
        follow_ups = () if not this.options.link else _callbacks(this, value, result)
    except BaseException as error:
        return _failed(this, error, args, kwargs)
    if type(task).on_success is not Task.on_success:
        _hook(this, "on_success", value, this.job.id, args, kwargs)
    if type(task).after_return is not Task.after_return:
        _hook(this, "after_return", "SUCCESS", value, this.job.id, args, kwargs, None)
    return _outcome(this, Ending.SUCCESS, result=result, follow_ups=follow_ups)


def _callbacks(this: _Run, value: Any, result: bytes | None) -> tuple[NewJob, ...]:
    if result is None:
        result = _encoded(this, value)
    settings = this.place.settings
    return callbacks(this.job, this.options, value, result, settings, this.place.clock.now())


def _encoded(this: _Run, value: Any) -> bytes:
    result = codec.encode(value, this.serializer, "result")
    most = this.place.settings.result_max_bytes
    if len(result) > most:
        raise EncodeError(
            f"The result takes {len(result):,} bytes, over the limit of {most:,} (setting "
            "result_max_bytes). Store it elsewhere and return where it is."
        )
    return result


def _ended_by(this: _Run, error: BaseException, args: Any, kwargs: Any) -> Outcome:
    """Turn whatever the task raised into an outcome."""
    try:
        if isinstance(error, Exception) and not isinstance(error, TaskPredicate):
            error = _auto_retried(this, error)
        if isinstance(error, Retry):
            return _retried(this, error, args, kwargs)
        if isinstance(error, Ignore):
            return _outcome(this, Ending.IGNORED)
        if isinstance(error, Reject):
            told = failure.dump(failure.describe(error))
            return _outcome(this, Ending.REJECTED, requeue=bool(error.requeue), failure=told)
    except BaseException as worse:
        error = worse
    return _failed(this, error, args, kwargs)


def _auto_retried(this: _Run, error: Exception) -> BaseException:
    """Return the Retry an error leads to by itself, the error that ends the retries, or the error
    unchanged.
    """
    task = this.task
    if not task.autoretry_for or not isinstance(error, tuple(task.autoretry_for)):
        return error
    if task.dont_autoretry_for and isinstance(error, tuple(task.dont_autoretry_for)):
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


def _retried(this: _Run, again: Retry, args: Any, kwargs: Any) -> Outcome:
    task, job = this.task, this.job
    cause = again.exc or again
    told = failure.describe(cause)
    einfo = ExceptionInfo(cause, told.traceback)
    if type(task).on_retry is not Task.on_retry:
        _hook(this, "on_retry", cause, job.id, args, kwargs, einfo)
    if type(task).after_return is not Task.after_return:
        _hook(this, "after_return", "RETRY", cause, job.id, args, kwargs, einfo)
    zone, now = this.place.settings.timezone, this.place.clock.now()
    run_at = When(zone, now).micros(0 if again.when is None else again.when, "eta")
    changes = _changed_call(this, again)
    return _outcome(this, Ending.RETRY, failure=failure.dump(told), run_at=run_at, **changes)


def _changed_call(this: _Run, again: Retry) -> dict[str, Any]:
    """Return what a retry changes of the job: new arguments and options, encoded."""
    sig = again.sig
    if sig is None or not sig.get("changed"):
        return {}
    options = dict(sig["options"])
    kept = {name: options[name] for name in KEPT if name in options and name != "serializer"}
    return {
        "args": codec.encode_call(tuple(sig["args"]), sig["kwargs"], this.serializer),
        "options": this.options._replace(**kept).write(),
        "queue": options.get("queue"),
        "priority": options.get("priority"),
    }


def _failed(this: _Run, error: BaseException, args: Any, kwargs: Any) -> Outcome:
    task = this.task
    told = failure.describe(error)
    einfo = ExceptionInfo(error, told.traceback)
    if this.place.errors is not None and this.job.id in this.place.errors:
        this.place.errors[this.job.id] = error
    if isinstance(error, SoftTimeLimitExceeded):
        _log.warning("Soft time limit exceeded: %s[%s]", this.job.task, this.job.id)
    if type(task).on_failure is not Task.on_failure:
        _hook(this, "on_failure", error, this.job.id, args, kwargs, einfo)
    if type(task).after_return is not Task.after_return:
        _hook(this, "after_return", "FAILURE", error, this.job.id, args, kwargs, einfo)
    return _outcome(this, Ending.FAILURE, failure=failure.dump(told))


def _hook(this: _Run, name: str, *args: Any) -> None:
    """Call a hook; what it raises is logged and changes nothing (celery/app/trace.py of 5.7)."""
    try:
        getattr(this.task, name)(*args)
    except BaseException:
        _log.exception("%s of %s[%s] failed", name, this.job.task, this.job.id)


def close_loop() -> None:
    """Close this thread's event loop, if coroutines ran here."""
    runner: asyncio.Runner | None = getattr(_local, "runner", None)
    if runner is not None:
        _local.runner = None
        runner.close()
