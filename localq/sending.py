"""From a call of a task to its job: arguments checked and written down, the call's options over the task's own.

What the task says nothing about is as the settings say; what is sent by a task becomes its child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from localq import codec, current
from localq.call import When, new_id, new_job, read_options
from localq.clock import Clock
from localq.exceptions import EncodeError
from localq.job import NewJob
from localq.registry import TaskRegistry
from localq.settings import Settings
from localq.task import Task

__all__ = ["job_of"]

#: Stands for a task that is not known here, only its name: it has no options of its own.
_UNKNOWN: Task[..., Any] = Task()


class App(Protocol):
    """What calls need of an app."""

    conf: Settings
    clock: Clock
    tasks: TaskRegistry


def job_of(
    app: App, name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Task[..., Any] | None = None
) -> tuple[NewJob, bool]:
    """Return the job of a call, checked in full, and whether its result is ignored.

    Args:
        options: As of `Task.apply_async`.
        task: The task of that name, where it is at hand.

    Raises:
        TypeError, ValueError: the arguments, or an option, cannot be.
    """
    if task is None:
        known = app.tasks.find(name)
        task = _UNKNOWN if known is None else known
    if task.typing and task._check is not None:
        task._check(*args, **kwargs)
    conf, request = app.conf, current.request.get()
    queue = task.queue or conf.task_default_queue
    priority = conf.task_default_priority if task.priority is None else task.priority
    serializer = task.serializer or conf.task_serializer
    ignored = conf.task_ignore_result if task.ignore_result is None else task.ignore_result
    if not options and task.expires is None and task.compression is None and serializer == "json" and request is None:
        return NewJob(new_id(), name, queue, _written(args, kwargs, "json", conf), priority), bool(ignored)
    read_options(options)
    given: dict[str, Any] = {"expires": task.expires, "compression": task.compression, **options}
    serializer = given.get("serializer") or serializer
    given["serializer"] = None if serializer == "json" else serializer
    if request is not None and request.id is not None:
        given.setdefault("parent_id", request.id)
        given.setdefault("root_id", request.root_id)
    written = _written(args, kwargs, serializer, conf)
    when = When(conf.timezone, app.clock.now())
    new = new_job(name, written, given, when=when, queue=queue, priority=priority, find=app.tasks.find)
    said = given.get("ignore_result")
    return new, bool(ignored if said is None else said)


def _written(args: Any, kwargs: Any, serializer: str, conf: Settings) -> bytes:
    """Write a call's arguments down, and see that they are not too large."""
    if not isinstance(args, tuple):
        if isinstance(args, str | bytes) or not isinstance(args, Iterable):
            raise TypeError(f"args must be a list or tuple of arguments, not {args!r}")
        args = tuple(args)
    if not isinstance(kwargs, dict):
        kwargs = dict(kwargs)
    written = codec.encode_call(args, kwargs, serializer)
    if len(written) > conf.task_args_max_bytes:
        raise EncodeError(
            f"The arguments take {len(written):,} bytes, over the limit of {conf.task_args_max_bytes:,} "
            "(setting task_args_max_bytes). Store them elsewhere and pass where they are."
        )
    return written
