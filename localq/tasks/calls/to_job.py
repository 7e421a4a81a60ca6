"""From a call of a task to its job: arguments checked and written down, the call's options over the task's own.

What the task says nothing about is as the settings say; what is sent by a task becomes its child.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from localq import current
from localq.canvas import Signature
from localq.canvas.cycles import refuse_cycles
from localq.exceptions import EncodeError
from localq.model.bounds import checked_id, checked_name
from localq.model.clock import Clock
from localq.model.ids import new_id, text_id
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.stamps import split_stamps
from localq.model.tagged_headers import as_plain
from localq.serialization import codec
from localq.settings import Settings
from localq.signals import before_task_publish
from localq.tasks.call_times import When, from_now, zone_of
from localq.tasks.calls.asked import asked
from localq.tasks.calls.new_job import new_job, options_text
from localq.tasks.option_names import FAMILY, OPTIONS, ROUTING, options_among, read_options
from localq.tasks.parameters import named_and_placed
from localq.tasks.registry import TaskRegistry
from localq.tasks.routing.router import Router, router_of
from localq.tasks.task import Task

__all__ = ["job_of", "jobs_of_call", "jobs_of_signature", "member_of"]

#: What is said of most members of workflows, and nothing beside it.
_MEMBERS = FAMILY | {"task_id"}
_TEXTS = frozenset({str})
#: Stands for a task that is not known here, only its name: it has no options of its own.
_UNKNOWN: Task[..., Any] = Task()


class App(Protocol):
    """What calls need of an app."""

    conf: Settings
    clock: Clock
    tasks: TaskRegistry
    router: Router | None


class _Unsaid(NamedTuple):
    """What holds of a call that does not say it: as its task says, else as the settings do."""

    queue: str
    priority: int
    serializer: str
    ignored: bool
    #: The task names an exchange or a routing key.
    placed: bool


def job_of(
    app: App,
    name: str,
    args: Any,
    kwargs: Any,
    options: Mapping[str, Any],
    task: Task[..., Any] | None = None,
    fed: int = 0,
    check: bool = True,
) -> tuple[NewJob, bool]:
    """Return the job of a call, as `jobs_of_call` does, and no copy for other queues."""
    jobs, ignored = jobs_of_call(app, name, args, kwargs, options, task, fed, check)
    return jobs[0], ignored


def jobs_of_call(
    app: App,
    name: str,
    args: Any,
    kwargs: Any,
    options: Mapping[str, Any],
    task: Task[..., Any] | None = None,
    fed: int = 0,
    check: bool = True,
) -> tuple[list[NewJob], bool]:
    """Return the job of a call, checked in full, and whether its result is ignored.

    Where the call goes to several queues each other queue gets a copy of the job, with an id of its own.

    Args:
        options: As of `Task.apply_async`.
        task: The task of that name, where it is at hand.
        fed: How many arguments will come in front of those given.
        check: Whether arguments must fit the signature, where the task has its `typing`.

    Raises:
        TypeError, ValueError: the arguments, or an option, cannot be.
        InvalidTaskError: a callback is its own callback, or has too many within each other.
        QueueNotFound, ImproperlyConfigured: where it goes cannot be told.
    """
    if task is None:
        task = _known(app, name)
    if type(args) is not tuple or type(kwargs) is not dict:
        args, kwargs = _call(args, kwargs)
    if task._wrong is not None:
        raise type(task._wrong)(*task._wrong.args)
    conf, request = app.conf, current.request.get()
    # First of all: where settings were not read yet, this reads them, and tasks and `router` are as they say.
    default = conf.task_default_queue
    if check and task.typing and task._check is not None:
        _must_fit(task._check, (None,) * fed + args if fed else args, kwargs)
    queue = task.queue or default
    priority = conf.task_default_priority if task.priority is None else task.priority
    serializer = task.serializer or conf.task_serializer
    if task._models is not None and (options.get("serializer") or serializer) != "pickle":
        args, kwargs = task._models.dumped(args, kwargs, fed)
    ignored = conf.task_ignore_result if task.ignore_result is None else task.ignore_result
    placed = task.exchange is not None or task.routing_key is not None
    own = bool(task._shadows or task.expires is not None or task.compression is not None or task.redact)
    special = placed or own or serializer != "json" or (options and not _of_member(options))
    if not special and request is None and app.router is None:
        return [_plain_job(name, queue, _written(args, kwargs, "json", conf), priority, options)], bool(ignored)
    unsaid = _Unsaid(queue, priority, serializer, bool(ignored), placed)
    jobs, ignored = _jobs_with_options(app, name, (args, kwargs), options, task, unsaid, request)
    return ([_redacting(one, task, fed) for one in jobs] if task.redact else jobs), ignored


def _of_member(options: Mapping[str, Any]) -> bool:
    """Whether no more is said of a call than where in a workflow it stands."""
    return options.keys() <= _MEMBERS and _TEXTS.issuperset(map(type, options.values()))


def _plain_job(task: str, queue: str, args: bytes, priority: int, options: Mapping[str, str]) -> NewJob:
    """Return the job of a call that says nothing but that, if anything."""
    if not options:
        return NewJob(new_id(), task, queue, args, priority)
    family = tuple([(name, options[name]) for name in options if name != "task_id"])
    return NewJob(
        checked_id(options["task_id"], "task_id") if "task_id" in options else new_id(),
        task,
        queue,
        args,
        priority,
        options=_family_text(family) if family else None,
        # A child belongs to the family of whoever sent it.
        workflow=options.get("root_id") if "parent_id" in options else None,
    )


@lru_cache(maxsize=64)
def _family_text(family: tuple[tuple[str, str], ...]) -> str:
    # Of all members of a group it is the same.
    return options_text(dict(family))


def _redacting(new: NewJob, task: Task[..., Any], fed: int) -> NewJob:
    """Return a job that says which of its arguments nobody is shown, before others came in front of them and after."""
    which = named_and_placed(task.run, task.redact)
    before = [str(int(one) - fed) for one in which if one.isdigit() and int(one) >= fed]
    kept = JobOptions.read(new.options)._replace(redact=sorted({*which, *before}))
    return new._replace(options=kept.write())


def _known(app: App, name: str) -> Task[..., Any]:
    known = app.tasks.find(name)
    if known is None:
        checked_name(name, "task")
    return _UNKNOWN if known is None else known


def _jobs_with_options(
    app: App,
    name: str,
    call: tuple[Any, Any],
    options: Mapping[str, Any],
    task: Task[..., Any],
    unsaid: _Unsaid,
    request: Any,
) -> tuple[list[NewJob], bool]:
    """Return the job of a call that says more than its arguments, or whose task or surroundings do."""
    conf, (args, kwargs) = app.conf, call
    options, stamps = split_stamps(options)
    read_options(options)
    given: dict[str, Any] = {"expires": task.expires, "compression": task.compression, **options}
    if stamps:
        given["stamps"] = stamps
    if given.get("link") or given.get("link_error"):
        refuse_cycles({"task": name, "options": given})
    if task._shadows and given.get("shadow") is None:
        given["shadow"] = task.shadow_name(args, kwargs, options)
    queues: tuple[str, ...] = (unsaid.queue,)
    if app.router is not None or unsaid.placed or any(name in options for name in ROUTING):
        queues, given = _routed(app, name, args, kwargs, given, task)
    serializer = given.get("serializer") or unsaid.serializer
    given["serializer"] = None if serializer == "json" else serializer
    priority = unsaid.priority
    if request is not None and request.id is not None:
        given.setdefault("parent_id", request.id)
        given.setdefault("root_id", request.root_id)
        if task.priority is None:
            priority = _inherited(conf, request, priority)
    written = _written(args, kwargs, serializer, conf)
    when = When(zone_of(conf), app.clock.now())
    new = new_job(name, written, given, when=when, queue=queues[0], priority=priority, find=app.tasks.find)
    _refuse_large_headers(new, given, conf)
    if given.get("parent_id") is not None:
        # A child belongs to the family of whoever sent it.
        new = new._replace(workflow=text_id(given.get("root_id")))
    if before_task_publish.receivers:
        new = new._replace(properties={name: value for name, value in given.items() if name not in OPTIONS} or None)
    said = given.get("ignore_result")
    copies = [new._replace(id=new_id(), queue=other) for other in queues[1:]]
    return [new, *copies], unsaid.ignored if said is None else bool(said)


def _routed(
    app: App, name: str, args: Any, kwargs: Any, given: dict[str, Any], task: Task[..., Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the queues of a call, and its options with those of its route below them."""
    own = {option: getattr(task, option) for option in ("queue", "priority", "serializer", *ROUTING)}
    own = {option: value for option, value in own.items() if value is not None}
    router = app.router or router_of(app.conf, always=True)
    assert router is not None
    return router.send(name, args, kwargs, {**own, **given}, task)


def _inherited(conf: Settings, request: Any, priority: int) -> int:
    """Return the priority of a call from within a task."""
    if not conf.task_inherit_parent_priority:
        return priority
    own = (request.delivery_info or {}).get("priority")
    return priority if own is None else int(own)


def jobs_of_signature(app: App, sig: Any) -> tuple[list[NewJob], str, bool]:
    """Return the jobs of a signature of one task, the id of the first, and whether its result is ignored.

    There are none where its task does not want them sent; see `jobs_of_call`.
    """
    if not isinstance(sig, Signature):
        raise TypeError(f"enqueue_many() takes a list of signatures, such as [add.s(2, 2)]; in it is {sig!r}")
    # By key: of many at once each attribute is a call of its own.
    part: Callable[[str], Any] = sig.get
    name, args, kwargs, options = part("task"), part("args"), part("kwargs"), part("options")
    task = app.tasks.find(name)
    if task is not None and task.asks():
        job_id = str(sig.id or new_id())
        own, _ = asked(task, args, kwargs, {**options, "task_id": job_id})
        if own is None:
            return [], job_id, False
        args, kwargs, options = own
    jobs, ignored = jobs_of_call(app, name, args, kwargs, options, task)
    return jobs, jobs[0].id, ignored


def member_of(app: App, sig: Signature[Any], fed: int, waits: bool, *, ask: bool = True) -> tuple[NewJob | None, bool]:
    """Return the job of a call within a workflow, and whether its result is ignored; see `localq.canvas.planning.Make`.

    Args:
        ask: Whether the task's own `apply_async` is asked, if a subclass has one; no job is made if that sends none.

    Raises:
        TypeError, ValueError: the arguments, or an option, cannot be.
    """
    name, args, kwargs, options = sig.task, sig.args, sig.kwargs, dict(sig.options)
    task = app.tasks.find(name)
    if ask and task is not None and task.asks():
        own, _ = asked(task, args, kwargs, options)
        if own is None:
            return None, False
        args, kwargs, options = own.args, own.kwargs, dict(own.options)
    if not waits:
        return job_of(app, name, args, kwargs, options, task, fed)
    if "expires" not in options and task is not None and task.expires is not None:
        options["expires"] = task.expires
    late = from_now(options.get("expires"), "expires")
    if late is not None:
        options["expires"] = None
    countdown = from_now(options.get("countdown"), "countdown")
    if countdown is not None and options.get("eta") is None:
        del options["countdown"]
    new, ignored = job_of(app, name, args, kwargs, options, task, fed)
    if countdown:
        kept = JobOptions.read(new.options)._replace(eta=countdown)
        new = new._replace(run_at=countdown, options=kept.write())
    return (new if late is None else new._replace(expires_at=late)), ignored


def _must_fit(check: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    try:
        check(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{error}{options_among(kwargs, str(error))}") from None


def _call(args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments given as other kinds of lists and mappings as a tuple and a dict."""
    if type(args) is list and type(kwargs) is dict:
        # As most programs give them: of abstract classes the questions below take a microsecond each.
        return tuple(args), kwargs
    if isinstance(args, str | bytes | Mapping) or not isinstance(args, Iterable):
        raise TypeError(f"args must be a list or tuple of arguments, not {args!r}")
    if not isinstance(kwargs, Mapping):
        raise TypeError(f"kwargs must be a dict of arguments by name, not {kwargs!r}")
    return tuple(args), dict(kwargs)


def _written(args: tuple[Any, ...], kwargs: dict[str, Any], serializer: str, conf: Settings) -> bytes:
    """Write a call's arguments down, and see that they are not too large."""
    written = codec.encode_call(args, kwargs, serializer)
    if len(written) > conf.task_args_max_bytes:
        raise EncodeError(
            f"The arguments take {len(written):,} bytes, over the limit of {conf.task_args_max_bytes:,} "
            "(setting task_args_max_bytes). Store them elsewhere and pass where they are."
        )
    return written


def _refuse_large_headers(new: NewJob, given: Mapping[str, Any], conf: Settings) -> None:
    """See that what stands beside the arguments, and is read with every job, is not too large."""
    most = conf.task_headers_max_bytes
    if new.options is None or len(new.options) <= most:
        return
    # Callbacks have arguments of their own there, which may be as large as any.
    for option in ("headers", "stamps"):
        size = len(json.dumps(given.get(option), default=as_plain))
        if size > most:
            raise EncodeError(
                f"The {option} take {size:,} bytes, over the limit of {most:,} (setting task_headers_max_bytes). "
                "Pass what is large as an argument."
            )
