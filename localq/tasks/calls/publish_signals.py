"""The signals of a job that is sent: before_task_publish, whose receivers may change it, and after_task_publish."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from localq.model.bounds import as_priority
from localq.model.clock import from_datetime, to_datetime
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.serialization import codec
from localq.signals import after_task_publish, before_task_publish, task_sent

__all__ = ["announced", "listened", "published", "told"]

#: The longest text of arguments in the headers, as in Celery.
_LONGEST = 1024
#: Headers that are options of a job, by the names these have there.
_OPTIONS = {
    "shadow": "shadow",
    "group": "group_id",
    "root_id": "root_id",
    "parent_id": "parent_id",
    "argsrepr": "argsrepr",
    "kwargsrepr": "kwargsrepr",
    "ignore_result": "ignore_result",
}


class App(Protocol):
    """What reading a call back needs of an app."""

    def accepts(self, task: str) -> tuple[str, ...]: ...


class _Message(NamedTuple):
    """A job as Celery's receivers get it; `readable`: its arguments are there, and may be changed."""

    job: NewJob
    options: JobOptions
    fields: dict[str, Any]
    readable: bool


def listened(task: str) -> bool:
    """Return whether anybody hears of what is sent of a task."""
    return before_task_publish.hears(task) or after_task_publish.hears(task) or task_sent.hears(task)


def told(app: App, jobs: Iterable[NewJob], retries: int | None = None) -> tuple[NewJob, ...]:
    """Send all signals of jobs that are about to be written; return the jobs as receivers want them.

    Args:
        retries: How many there were; default: as the jobs' options say.
    """
    changed = [announced(app, new, retries) for new in jobs] if before_task_publish.receivers else list(jobs)
    if after_task_publish.receivers or task_sent.receivers:
        published(app, changed, retries)
    return tuple(changed)


def announced(app: App, new: NewJob, retries: int | None = None) -> NewJob:
    """Send before_task_publish; return the job with what receivers changed of its headers, arguments and priority.

    Headers of their own are there in the task's request, by name and in `headers`; of LocalQ's those are taken in that
    are options of a job: its family, times, limits and texts.

    Args:
        retries: How many there were; default: as the job's options say.
    """
    message = _message(app, new, retries)
    headers = message.fields["headers"]
    before = dict(headers)
    before_task_publish.send(new.task, **message.fields, declare=[], retry_policy={})
    return _changed(message, before)._replace(properties=None)


def published(app: App, jobs: Iterable[NewJob], retries: int | None = None) -> None:
    """Send after_task_publish, and the task_sent of old."""
    for new in jobs:
        fields = _message(app, new, retries).fields
        del fields["properties"]
        after_task_publish.send(new.task, **fields)
        if task_sent.receivers:
            args, kwargs, _ = fields["body"]
            eta = fields["headers"]["eta"]
            task_sent.send(new.task, task_id=new.id, task=new.task, args=args, kwargs=kwargs, eta=eta, taskset=None)


def _message(app: App, new: NewJob, retries: int | None) -> _Message:
    options = JobOptions.read(new.options)
    args: Any = options.argsrepr
    kwargs: Any = options.kwargsrepr
    readable = False
    # What cannot be read back here, the worker will say.
    with contextlib.suppress(Exception):
        args, kwargs = codec.decode_call(new.args, options.serializer, app.accepts(new.task))
        readable = True
    own = _own_headers(new, options, (args, kwargs) if readable else (None, None))
    if retries is not None:
        own["retries"] = retries
    embed = {"callbacks": options.link, "errbacks": options.link_error, "chain": None, "chord": None}
    fields = {
        "body": (args, kwargs, embed),
        "exchange": "",
        "routing_key": new.queue,
        "headers": {**(options.headers or {}), **own},
        "properties": {"correlation_id": new.id, "priority": new.priority, **(new.properties or {})},
    }
    return _Message(new, options, fields, readable)


def _own_headers(new: NewJob, options: JobOptions, call: tuple[Any, Any]) -> dict[str, Any]:
    """Return the headers of Celery's message protocol 2."""
    args, kwargs = (None if one is None else repr(one)[:_LONGEST] for one in call)
    return {
        "lang": "py",
        "task": new.task,
        "id": new.id,
        "shadow": options.shadow,
        "eta": None if new.eta is None else to_datetime(new.eta).isoformat(),
        "expires": None if new.expires_at is None else to_datetime(new.expires_at).isoformat(),
        "group": options.group_id,
        "group_index": None,
        "retries": options.retries or 0,
        "timelimit": [options.time_limit, options.soft_time_limit],
        "root_id": options.root_id or new.id,
        "parent_id": options.parent_id,
        "argsrepr": options.argsrepr or args,
        "kwargsrepr": options.kwargsrepr or kwargs,
        "origin": f"gen{os.getpid()}@{socket.gethostname()}",
        "ignore_result": bool(options.ignore_result),
        "replaced_task_nesting": 0,
        "stamped_headers": None if options.stamps is None else sorted(options.stamps),
        "stamps": options.stamps or {},
    }


# What receivers changed


def _changed(message: _Message, before: dict[str, Any]) -> NewJob:
    new, options, fields, readable = message
    headers, own = fields["headers"], _own_headers(message.job, options, (None, None))
    # A call's own headers that bear a name of the protocol's stay behind it, as where nobody listens.
    extra = {name: value for name, value in (options.headers or {}).items() if name in own}
    extra |= {name: value for name, value in headers.items() if name not in own}
    said: dict[str, Any] = {"headers": extra} if extra != (options.headers or {}) else {}
    differ = {name for name in own if headers.get(name) != before[name]}
    said |= {option: headers.get(name) for name, option in _OPTIONS.items() if name in differ}
    if "timelimit" in differ:
        said["time_limit"], said["soft_time_limit"] = headers.get("timelimit") or (None, None)
    if said:
        new = new._replace(options=options._replace(**said).write())
    if "eta" in differ:
        new = new._replace(run_at=_micros(headers.get("eta")))
    if "expires" in differ:
        new = new._replace(expires_at=_micros(headers.get("expires")))
    priority = fields["properties"].get("priority")
    if priority != new.priority and priority is not None:
        new = new._replace(priority=as_priority(priority))
    args, kwargs, _ = fields["body"]
    if readable:
        new = new._replace(args=codec.encode_call(tuple(args), dict(kwargs), options.serializer))
    return new


def _micros(moment: Any) -> int | None:
    if moment is None:
        return None
    return from_datetime(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
