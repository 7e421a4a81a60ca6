"""From a call of a task to its job: arguments checked and written down, the call's options over the task's own.

What the task says nothing about is as the settings say; what is sent by a task becomes its child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from localq import codec, current
from localq.call import When, from_now, new_id, new_job, read_options
from localq.canvas import Signature
from localq.clock import Clock
from localq.exceptions import EncodeError
from localq.job import NewJob
from localq.registry import TaskRegistry
from localq.settings import Settings
from localq.stamps import split_stamps
from localq.task import Task

__all__ = ["job_of", "member_of"]

#: Stands for a task that is not known here, only its name: it has no options of its own.
_UNKNOWN: Task[..., Any] = Task()


class App(Protocol):
    """What calls need of an app."""

    conf: Settings
    clock: Clock
    tasks: TaskRegistry


def job_of(
    app: App,
    name: str,
    args: Any,
    kwargs: Any,
    options: Mapping[str, Any],
    task: Task[..., Any] | None = None,
    fed: int = 0,
) -> tuple[NewJob, bool]:
    """Return the job of a call, checked in full, and whether its result is ignored.

    Args:
        options: As of `Task.apply_async`.
        task: The task of that name, where it is at hand.
        fed: How many arguments will come in front of those given.

    Raises:
        TypeError, ValueError: the arguments, or an option, cannot be.
    """
    if task is None:
        known = app.tasks.find(name)
        task = _UNKNOWN if known is None else known
    if task.typing and task._check is not None:
        task._check(*(None,) * fed, *args, **kwargs)
    conf, request = app.conf, current.request.get()
    queue = task.queue or conf.task_default_queue
    priority = conf.task_default_priority if task.priority is None else task.priority
    serializer = task.serializer or conf.task_serializer
    ignored = conf.task_ignore_result if task.ignore_result is None else task.ignore_result
    if not options and task.expires is None and serializer == "json" and request is None:
        return NewJob(new_id(), name, queue, _written(args, kwargs, "json", conf), priority), bool(ignored)
    options, stamps = split_stamps(options)
    read_options(options)
    given: dict[str, Any] = {"expires": task.expires, **options}
    if stamps:
        given["stamps"] = stamps
    serializer = given.get("serializer") or serializer
    given["serializer"] = None if serializer == "json" else serializer
    if request is not None and request.id is not None:
        given.setdefault("parent_id", request.id)
        given.setdefault("root_id", request.root_id)
    written = _written(args, kwargs, serializer, conf)
    when = When(conf.timezone, app.clock.now())
    new = new_job(name, written, given, when=when, queue=queue, priority=priority, find=app.tasks.find)
    if given.get("parent_id") is not None:
        # A child belongs to the family of whoever sent it.
        new = new._replace(workflow=given.get("root_id"))
    said = given.get("ignore_result")
    return new, bool(ignored if said is None else said)


def member_of(app: App, sig: Signature[Any], fed: int, waits: bool) -> tuple[NewJob, bool]:
    """Return the job of a call within a workflow, and whether its result is ignored; see `localq.canvas.planning.Make`.

    Raises:
        TypeError, ValueError: the arguments, or an option, cannot be.
    """
    options = dict(sig.options)
    if not waits:
        return job_of(app, sig.task, sig.args, sig.kwargs, options, fed=fed)
    task = app.tasks.find(sig.task)
    if "expires" not in options and task is not None:
        options["expires"] = task.expires
    late = from_now(options.get("expires"), "expires")
    if late is not None:
        options["expires"] = None
    countdown = from_now(options.get("countdown"), "countdown")
    if countdown is not None and options.get("eta") is None:
        del options["countdown"]
    new, ignored = job_of(app, sig.task, sig.args, sig.kwargs, options, fed=fed)
    if countdown:
        new = new._replace(run_at=countdown)
    return (new if late is None else new._replace(expires_at=late)), ignored


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
