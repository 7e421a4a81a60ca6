"""The signals of a job that is sent: before_task_publish, which may still add headers, and after_task_publish."""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

from localq.model.clock import to_datetime
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.serialization import codec
from localq.signals import after_task_publish, before_task_publish, task_sent

__all__ = ["announced", "published"]


class App(Protocol):
    """What reading a call back needs of an app."""

    def accepts(self, task: str) -> tuple[str, ...]: ...


def announced(app: App, new: NewJob) -> NewJob:
    """Send before_task_publish; return the job with what receivers added to its headers.

    What they add is there in the task's request, by name and in `headers`; what is LocalQ's own in the headers is
    only for reading.
    """
    options = JobOptions.read(new.options)
    headers = _headers(new, options)
    before = dict(headers)
    before_task_publish.send(new.task, **_fields(app, new, options, headers), declare=[], retry_policy={})
    added = {name: value for name, value in headers.items() if name not in before}
    new = new._replace(properties=None)
    if not added:
        return new
    return new._replace(options=options._replace(headers={**(options.headers or {}), **added}).write())


def published(app: App, jobs: list[NewJob]) -> None:
    """Send after_task_publish, and the task_sent of old."""
    for new in jobs:
        options = JobOptions.read(new.options)
        fields = _fields(app, new, options, _headers(new, options))
        del fields["properties"]
        after_task_publish.send(new.task, **fields)
        if task_sent.receivers:
            args, kwargs, _ = fields["body"]
            eta = fields["headers"]["eta"]
            task_sent.send(new.task, task_id=new.id, task=new.task, args=args, kwargs=kwargs, eta=eta, taskset=None)


def _fields(app: App, new: NewJob, options: JobOptions, headers: dict[str, Any]) -> dict[str, Any]:
    args, kwargs = headers["argsrepr"], headers["kwargsrepr"]
    # What cannot be read back here, the worker will say.
    with contextlib.suppress(Exception):
        args, kwargs = codec.decode_call(new.args, options.serializer, app.accepts(new.task))
    embed = {"callbacks": options.link, "errbacks": options.link_error, "chain": None, "chord": None}
    return {
        "body": (args, kwargs, embed),
        "exchange": "",
        "routing_key": new.queue,
        "headers": headers,
        "properties": {"correlation_id": new.id, "priority": new.priority, **(new.properties or {})},
    }


def _headers(new: NewJob, options: JobOptions) -> dict[str, Any]:
    """Return the headers of Celery's message protocol 2, and those the call gave."""
    own = {
        "lang": "py",
        "task": new.task,
        "id": new.id,
        "shadow": options.shadow,
        "eta": None if new.eta is None else to_datetime(new.eta).isoformat(),
        "expires": None if new.expires_at is None else to_datetime(new.expires_at).isoformat(),
        "group": options.group_id,
        "retries": 0,
        "timelimit": [options.time_limit, options.soft_time_limit],
        "root_id": options.root_id or new.id,
        "parent_id": options.parent_id,
        "argsrepr": options.argsrepr,
        "kwargsrepr": options.kwargsrepr,
        "ignore_result": bool(options.ignore_result),
    }
    return {**(options.headers or {}), **own}
