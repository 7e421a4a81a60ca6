"""Looks at the jobs that wait, for assertions whose messages show them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from localq import states
from localq.app import LocalQ
from localq.model.clock import to_datetime
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.monitor.jobs import errors_of
from localq.result.paged_jobs import paged
from localq.serialization import codec
from localq.serialization.sealing import open_call
from localq.store.protocol import Filter
from localq.tasks.task import Task

__all__ = ["Enqueued", "assert_enqueued", "assert_not_enqueued", "enqueued", "shown_queue"]

#: Jobs shown in a message.
_MOST_SHOWN = 20
_WAITING = (JobState.SCHEDULED, JobState.READY)


class Enqueued(NamedTuple):
    """A job that waits: for its time, if `eta` is not None. Arguments that cannot be read here are None."""

    id: str
    task: str
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any] | None
    queue: str
    priority: int
    eta: Any
    state: str

    def __str__(self) -> str:
        if self.args is None or self.kwargs is None:
            call = "..."
        else:
            call = ", ".join([*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())])
        due = "" if self.eta is None else f", due {self.eta.isoformat(sep=' ', timespec='seconds')}"
        return f"{self.task}({call}) in queue {self.queue!r}, {self.state}{due} [{self.id}]"


def enqueued(app: LocalQ, task: Task[..., Any] | str | None = None, *, queue: str | None = None) -> list[Enqueued]:
    """Return the jobs that wait, in the order of adding.

    Args:
        task: Only this one's.
        queue: Only in this one.
    """
    name = None if task is None else _name(task)
    which = Filter(_WAITING, None if name is None else (name,), None if queue is None else (queue,))
    return [_seen(app, job) for job in reversed(list(paged(app.store.read, which)))]


def assert_enqueued(
    app: LocalQ,
    task: Task[..., Any] | str,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    count: int | None = None,
) -> list[Enqueued]:
    """Assert that jobs of a task wait; return them.

    Args:
        args, kwargs: Only calls with these, written as they were in the call; None: any.
        queue: Only in this one; None: any.
        count: So many; None: at least one.

    Raises:
        AssertionError: there are none, or not so many; the message shows what waits instead.
    """
    __tracebackhide__ = True  # pytest shows the test's line, not these
    found = _found(app, task, args, kwargs, queue)
    if (count is None and found) or len(found) == count:
        return found
    much = "no job" if count is None else f"{len(found)} {'job' if len(found) == 1 else 'jobs'}, not {count}"
    raise AssertionError(f"There waits {much} {_described(task, args, kwargs, queue)}.\n{shown_queue(app)}")


def assert_not_enqueued(
    app: LocalQ,
    task: Task[..., Any] | str,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
) -> None:
    """Assert that no job of a task waits; see `assert_enqueued`."""
    __tracebackhide__ = True
    found = _found(app, task, args, kwargs, queue)
    if found:
        jobs = "\n".join(f"  {one}" for one in found[:_MOST_SHOWN])
        raise AssertionError(f"There waits a job {_described(task, args, kwargs, queue)}:\n{jobs}")


def shown_queue(app: LocalQ) -> str:
    """Return what waits, runs and has ended, as text: what waits and what failed job by job."""
    counts: dict[str, int] = {}
    for (_, state), count in app.store.read.stats().counts.items():
        counts[state.name.lower()] = counts.get(state.name.lower(), 0) + count
    waiting = enqueued(app)
    lines = [f"  {one}" for one in waiting[:_MOST_SHOWN]]
    if len(waiting) > _MOST_SHOWN:
        lines.append(f"  ... and {len(waiting) - _MOST_SHOWN:,} more")
    lines += _shown_failures(app)
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "no job at all"
    hint = "\nThe app is eager: its calls have run already." if app.eager else ""
    return "\n".join([f"In the queue: {told}.", *lines]) + hint


def _shown_failures(app: LocalQ) -> list[str]:
    """Return the latest jobs that failed, with their errors: what a test looks for first."""
    latest = itertools.islice(paged(app.store.read, Filter((JobState.FAILED,))), _MOST_SHOWN)
    failed = list(latest)
    errors = errors_of(app.store.read, failed)
    return [f"  {_seen(app, job)}: {errors.get(job.id, 'it never ran')}" for job in reversed(failed)]


def _found(
    app: LocalQ, task: Any, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, queue: str | None
) -> list[Enqueued]:
    return [
        one
        for one in enqueued(app, task, queue=queue)
        if (args is None or one.args == tuple(args)) and (kwargs is None or one.kwargs == dict(kwargs))
    ]


def _described(task: Any, args: Any, kwargs: Any, queue: str | None) -> str:
    parts = [f"of {_name(task)}"]
    if args is not None:
        parts.append(f"with args={tuple(args)!r}")
    if kwargs is not None:
        parts.append(f"with kwargs={dict(kwargs)!r}")
    if queue is not None:
        parts.append(f"in queue {queue!r}")
    return " ".join(parts)


def _name(task: Task[..., Any] | str) -> str:
    return task if isinstance(task, str) else task.name


def _seen(app: LocalQ, job: Job) -> Enqueued:
    called = app.store.read.get([job.id], args=True).get(job.id, job)
    args: tuple[Any, ...] | None = None
    kwargs: dict[str, Any] | None = None
    try:
        options = JobOptions.read(called.options)
        stored = open_call(called, app.conf) or b"[[],{}]"
        args, kwargs = codec.decode_call(stored, options.serializer, app.accepts(job.task))
    except Exception:
        # It still waits; which one it is, its id tells.
        args = kwargs = None
    eta = to_datetime(job.run_at) if job.state == JobState.SCHEDULED else None
    return Enqueued(job.id, job.task, args, kwargs, job.queue, job.priority, eta, states.public_state(job))
