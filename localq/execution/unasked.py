"""Jobs that a worker's loop or a scheduler made, where no code of users' runs: asked for in a slot, before they run.

What the task's own `apply_async` and the receivers of before_task_publish make of such a job is written in its place:
so it is asked for once, whatever becomes of its runs.
"""

from __future__ import annotations

from typing import Any

from localq.exceptions import TaskRevokedError
from localq.execution.running import Running
from localq.model.clock import to_datetime
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Outcome
from localq.serialization import codec, failure
from localq.tasks.calls.asked import asked
from localq.tasks.calls.publish_signals import listened, told
from localq.tasks.calls.to_job import job_of
from localq.tasks.parameters import takes_failure

__all__ = ["asked_for"]


def asked_for(this: Running) -> Outcome | None:
    """Return the outcome of a job that is asked for now; None where nobody wants to be asked, and it is to run.

    It is the same job again, as it is wanted, or revoked where the task's own `apply_async` sends none.
    """
    task, heard = this.task, listened(this.job.task) and not this.runtime.eager
    args, kwargs = _call(this)
    called = this.options.errback is not None and takes_failure(task.run, args[1:], kwargs)
    if called or not (heard or task.asks()):
        # An error callback that takes the error itself is called in Celery, and not sent.
        return None
    new = _own_call(this) if task.asks() else _same(this)
    if new is None:
        unsent = TaskRevokedError(f"apply_async() of {this.job.task} sent no job")
        return this.outcome(Ending.REVOKED, failure=failure.dump(failure.describe(unsent)))
    if heard:
        (new,) = told(task.app, [new])
    return this.outcome(Ending.REPLACED, replaced=new)


def _call(this: Running) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what the job says that its task is called with."""
    return tuple(this.context.args or ()), dict(this.context.kwargs or {})


def _same(this: Running) -> NewJob:
    """Return the job as it is."""
    job, options = this.job, this.options._replace(unasked=None)
    call = codec.encode_call(*_call(this), options.serializer)
    return NewJob(job.id, job.task, job.queue, call, job.priority, None, job.expires_at, options.write())


def _own_call(this: Running) -> NewJob | None:
    """Return the job that the task's own `apply_async` makes of the call, None if it sends none."""
    task, job, own = this.task, this.job, this.options
    said: dict[str, Any] = {name: value for name, value in own._asdict().items() if name not in _NO_OPTIONS}
    said |= {"task_id": job.id, "queue": job.queue, "priority": job.priority}
    if job.expires_at is not None:
        said["expires"] = to_datetime(job.expires_at)
    call, _ = asked(task, *_call(this), {name: value for name, value in said.items() if value is not None})
    if call is None:
        return None
    new, _ = job_of(task.app, job.task, call.args, call.kwargs, call.options, task)
    options = JobOptions.read(new.options)._replace(errback=own.errback, stamps=own.stamps)
    return new._replace(options=options.write())


#: What is no option of a call.
_NO_OPTIONS = ("eta", "errback", "stamps", "as_body", "unasked", "redact")
