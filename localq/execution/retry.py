"""Retries: which errors lead to one by themselves, how long to wait for it, and what it changes of the job."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping
from typing import Any

from localq.exceptions import Retry, TaskRevokedError
from localq.execution.hooks import tell
from localq.execution.running import Running
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Outcome
from localq.serialization import codec, failure
from localq.serialization.tagged_json.held import passing_on
from localq.signals import task_retry
from localq.tasks.call_times import When, zone_of
from localq.tasks.calls import publish_signals
from localq.tasks.calls.publish_signals import listened
from localq.tasks.option_names import KEPT
from localq.tasks.request import ExceptionInfo
from localq.tasks.retry_call import withdrawn

__all__ = ["auto_retried", "backoff", "retried"]


def backoff(factor: int, retries: int, *, maximum: int, jitter: bool, rng: random.Random | None = None) -> int:
    """Return the seconds before the next try: pure (celery/utils/time.py of 5.7, AWS "full jitter").

    Args:
        factor: Seconds before the first retry; doubled with each further one. At least 1.
        retries: Retries made already.
        maximum: Never more than this.
        jitter: Take a random whole number of seconds from 0 to the computed wait instead ("full jitter").
        rng: Where chance comes from.
    """
    wait: int = min(maximum, max(1, factor) * 2 ** min(retries, 64))
    if jitter:
        wait = rng.randrange(wait + 1) if rng is not None else random.randrange(wait + 1)
    return max(0, wait)


def auto_retried(this: Running, error: Exception) -> BaseException:
    """Return the Retry an error leads to by itself, the error that ends the retries, or the error unchanged."""
    task = this.task
    wanted, unwanted = tuple(task.autoretry_for or ()), tuple(task.dont_autoretry_for or ())
    if not isinstance(error, wanted) or isinstance(error, unwanted):
        return error
    options = dict(task.retry_kwargs)
    if task.retry_backoff:
        options["countdown"] = backoff(
            int(max(1.0, task.retry_backoff)),
            this.context.retries,
            maximum=task.retry_backoff_max,
            jitter=task.retry_jitter,
        )
    try:
        task.retry(exc=error, **options)
    except BaseException as ended:
        return ended
    return error


def retried(this: Running, again: Retry) -> Outcome:
    """Return the outcome of a task that asked to be run again; tell its hook and the receivers."""
    cause = again.exc or again
    told = failure.describe(cause)
    einfo = ExceptionInfo(cause, told.traceback)
    tell(this, "on_retry", "RETRY", cause, einfo)
    if task_retry.receivers:
        task_retry.send(this.task, request=this.context, reason=again, einfo=einfo)
    if again.sig is not None and again.sig.get("unsent"):
        unsent = TaskRevokedError(f"apply_async() of {this.job.task} sent no job for the retry")
        return this.outcome(Ending.REVOKED, failure=failure.dump(failure.describe(unsent)))
    if again.sig is not None and not withdrawn(this.task.app, again.sig):
        # The retry was sent as a job of its own, and has begun: it is not made twice.
        return this.outcome(Ending.IGNORED)
    when = When(zone_of(this.runtime.settings), this.runtime.clock.now())
    run_at = when.micros(0 if again.when is None else again.when, "eta")
    changes = {"run_at": run_at, **_changed_call(this, again)}
    if again.sig is not None and listened(this.job.task) and not this.runtime.eager:
        changes = _heard(this, again.sig, changes)
    return this.outcome(Ending.RETRY, failure=failure.dump(told), **changes)


def _heard(this: Running, sig: Mapping[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Send the signals of publishing for a retry; return what it changes of the job, as receivers want it."""
    job, options = this.job, JobOptions.read(changes["options"]) if "options" in changes else this.options
    call = changes.get("args") or codec.encode_call(tuple(sig["args"]), sig["kwargs"], options.serializer)
    queue, rank = changes.get("queue") or job.queue, changes.get("priority")
    rank = job.priority if rank is None else rank
    new = NewJob(job.id, job.task, queue, call, rank, changes["run_at"], job.expires_at, options.write())
    (new,) = publish_signals.told(this.task.app, [new], this.context.retries + 1)
    run_at = changes["run_at"] if new.run_at is None else new.run_at
    return {**changes, "args": new.args, "options": new.options, "priority": new.priority, "run_at": run_at}


#: Options of the first run, which a retry does not change.
_STAY = ("serializer", "retries")


def _changed_call(this: Running, again: Retry) -> dict[str, Any]:
    """Return what a retry changes of the job: new arguments and options, encoded."""
    sig = again.sig
    if sig is None or not sig.get("changed"):
        return {}
    options = dict(sig["options"])
    kept = {name: options[name] for name in KEPT if name in options and name not in _STAY}
    args = tuple(sig["args"]), sig["kwargs"]
    calls = this.runtime.calls
    if calls is not None and this.job.id in calls:
        calls[this.job.id] = args
    with passing_on() if this.runtime.eager else contextlib.nullcontext():
        written = codec.encode_call(*args, this.options.serializer)
    return {
        "args": written,
        "options": this.options._replace(**kept).write(),
        "queue": options.get("queue"),
        "priority": options.get("priority"),
    }
