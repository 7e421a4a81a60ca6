"""From a job to what Flower says of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localq import states
from localq.app import LocalQ
from localq.model.clock import to_datetime
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Attempt
from localq.monitor.shown_call import ShownCall, shown_call, shown_result
from localq.serialization import failure
from localq.store.protocol import Store
from localq.web.ask.starts import Starts

__all__ = ["error_text", "result_of", "task_shape", "task_shapes"]


def task_shapes(app: LocalQ, store: Store, starts: Starts, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Return jobs as Flower tells of tasks."""
    ids = [job.id for job in jobs]
    calls, seen = store.read.get(ids, args=True), store.read.seen(ids)
    names = {row.key: row.card.name for row in store.workers.all()}
    # What was read last: between two looks a job may have finished, or gone.
    latest = [seen.get(job.id, (job, None, None))[:2] for job in jobs]
    since = starts.of([job for job, _ in latest if job.state == JobState.RUNNING])
    return [task_shape(app, job, calls.get(job.id, job), last, names, began=since.get(job.id)) for job, last in latest]


def task_shape(
    app: LocalQ,
    job: Job,
    called: Job,
    last: Attempt | None,
    workers: Mapping[int, str],
    children: Sequence[str] = (),
    began: int | None = None,
) -> dict[str, Any]:
    """Return a job as Flower tells of a task, with its arguments as values beside, where they can be had.

    Args:
        called: The same job, read with its arguments.
        last: Its last attempt.
        workers: Names of workers by their keys.
        began: Since when it runs, where its worker has said so.
    """
    options = JobOptions.read(job.options)
    call = shown_call(called, app.conf)
    eta = options.eta_of(job)
    root = options.root_id or job.id
    return {
        "uuid": job.id,
        "name": job.task,
        "state": states.public_state(job),
        **_times(job, last, began),
        "args": _text(call, call.args, positional=True),
        "kwargs": _text(call, call.kwargs, positional=False),
        "eta": None if eta is None else to_datetime(eta).isoformat(),
        "expires": None if job.expires_at is None or job.expires_at < 0 else to_datetime(job.expires_at).isoformat(),
        "retries": job.retries,
        "worker": workers.get(job.owner or 0) if job.state == JobState.RUNNING else (last.worker if last else None),
        **_ending(app, job, last),
        "exchange": "",
        "routing_key": job.queue,
        "clock": job.key,
        "client": None,
        "root": root,
        "root_id": root,
        "parent": options.parent_id,
        "parent_id": options.parent_id,
        "children": list(children),
        "call": {"args": call.args, "kwargs": call.kwargs} if call.exact else None,
    }


def _times(job: Job, last: Attempt | None, began: int | None) -> dict[str, float | None]:
    ended = None if job.finished_at is None else job.finished_at / 1e6
    started = began if job.state == JobState.RUNNING else None if last is None else last.started_at
    state = states.public_state(job)
    return {
        "received": job.created_at / 1e6,
        "sent": job.created_at / 1e6,
        "started": None if started is None else started / 1e6,
        "rejected": ended if state == states.REJECTED else None,
        "succeeded": ended if job.state == JobState.SUCCEEDED else None,
        "failed": ended if job.state == JobState.FAILED else None,
        "retried": last.ended_at / 1e6 if state == states.RETRY and last is not None else None,
        "revoked": ended if job.state == JobState.CANCELLED and state != states.REJECTED else None,
        "timestamp": _latest(job, last) / 1e6,
    }


def _latest(job: Job, last: Attempt | None) -> int:
    if job.finished_at is not None:
        return job.finished_at
    return job.created_at if last is None else last.ended_at


def _ending(app: LocalQ, job: Job, last: Attempt | None) -> dict[str, Any]:
    succeeded = job.state == JobState.SUCCEEDED
    told = None if last is None or last.failure is None else failure.load(last.failure)
    took = None
    if succeeded and last is not None and last.started_at is not None:
        took = (last.ended_at - last.started_at) / 1e6
    result = None
    if succeeded and last is not None and last.result is not None:
        shown = shown_result(job, last.result, app.conf)
        result = repr(shown.value) if shown.note is None else f"<{shown.note}>"
    return {
        "result": "None" if succeeded and result is None else result,
        "exception": None if told is None else error_text(told),
        "runtime": took,
        "traceback": None if told is None else told.traceback,
    }


def error_text(told: failure.Failure) -> str:
    """Return an error as Python writes it."""
    return f"{told.type.rpartition('.')[2]}({told.message!r})"


def result_of(app: LocalQ, job: Job, last: Attempt | None) -> Any:
    """Return what a finished job came to, as a value of JSON: its result, or its error as text."""
    if job.state == JobState.SUCCEEDED:
        if last is None or last.result is None:
            return None
        shown = shown_result(job, last.result, app.conf)
        return shown.value if shown.note is None else f"<{shown.note}>"
    if last is not None and last.failure is not None:
        return error_text(failure.load(last.failure))
    return "TaskRevokedError('revoked')" if job.state == JobState.CANCELLED else None


def _text(call: ShownCall, given: Any, *, positional: bool) -> str:
    if call.note is not None:
        return f"<{call.note}>"
    if isinstance(given, str):
        return given
    return repr(tuple(given)) if positional else repr(dict(given))
