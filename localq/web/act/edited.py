"""Call a task from the page: anew, or a job's call once more with other arguments."""

from __future__ import annotations

import inspect
import json
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.exceptions import EncodeError, LocalQError, QueryError
from localq.model.hints import nearest
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.monitor.shown_call import shown_call
from localq.serialization import codec
from localq.tasks.task import Task
from localq.web.act.change import Hand, written_down
from localq.web.ask.job import COPY_OF
from localq.web.sentence import Said, Unmeant

__all__ = ["Draft", "arguments", "call_edited", "call_task", "draft_of"]

#: Options of a job that its copy has, too.
_KEPT = ("time_limit", "soft_time_limit", "ignore_result", "max_retries", "default_retry_delay", "acks_late", "shadow")


class Draft(NamedTuple):
    """A job's call as it can be edited: JSON, or `refused`, the sentence that says why it cannot be."""

    args: str
    kwargs: str
    refused: Said | None = None


def draft_of(app: LocalQ, job: Job) -> Draft:
    """Return a job's call for somebody to edit.

    Args:
        job: Read with its arguments.
    """
    call = shown_call(job, app.conf)
    task = app.tasks.find(job.task)
    if task is None:
        return Draft("", "", _unknown(app, job.task))
    if call.note is not None:
        return Draft("", "", ("Its arguments cannot be edited here: {why}.", {"why": call.note}))
    if not call.exact:
        return Draft("", "", ("Its arguments cannot be edited here: not all of them are shown.", {}))
    return Draft(_pretty(call.args), _pretty(call.kwargs))


def _unknown(app: LocalQ, name: str) -> Said:
    hint = nearest(name, list(app.tasks)).strip()
    if hint:
        return "The program of this page knows no task {name}. {hint} Start it with -A.", {
            "name": repr(name),
            "hint": hint,
        }
    return "The program of this page knows no task {name}. Start it with -A.", {"name": repr(name)}


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def call_edited(app: LocalQ, hand: Hand, job_id: str, args: list[Any] | None, kwargs: dict[str, Any] | None) -> str:
    """Add a job like another, with other arguments, and return its id; each says which the other is.

    Args:
        args, kwargs: None: as they were.

    Raises:
        Denied: they may not change anything.
        QueryError: there is no such job, or its call cannot be edited or made as it is now.
    """
    hand.check()
    job = app.store.read.get([job_id], args=True).get(job_id)
    if job is None:
        raise Unmeant("There is no job {name}.", name=repr(job_id[:100]))
    draft = draft_of(app, job)
    if draft.refused:
        raise Unmeant(draft.refused[0], **draft.refused[1])
    old = JobOptions.read(job.options)
    options = {name: getattr(old, name) for name in _KEPT if getattr(old, name) is not None}
    options |= {"queue": job.queue, "priority": job.priority, "headers": {**(old.headers or {}), COPY_OF: job.id}}
    was = arguments(draft.args, draft.kwargs)
    new = _call(app, job.task, was[0] if args is None else args, was[1] if kwargs is None else kwargs, options)
    written_down(app, hand, "retry edited", job.id, note=new)
    return new


def call_task(app: LocalQ, hand: Hand, name: str, args_text: str, kwargs_text: str, options: dict[str, Any]) -> str:
    """Add a job of a task, and return its id.

    Raises:
        Denied: they may not change anything.
        QueryError: the task is not known here, or the call cannot be.
    """
    hand.check()
    new = _call(app, name, *arguments(args_text, kwargs_text), options)
    written_down(app, hand, "call", f"task {name}", note=new)
    return new


def arguments(args_text: str, kwargs_text: str) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments that somebody typed as JSON.

    Raises:
        QueryError: they are none.
    """
    return _json("args", args_text, list), _json("kwargs", kwargs_text, dict)


def _json(what: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text or ("[]" if kind is list else "{}"))
    except json.JSONDecodeError as error:
        raise Unmeant(
            "{what} is not JSON: {error} (line {line}, column {column}).",
            what=what,
            error=error.msg,
            line=error.lineno,
            column=error.colno,
        ) from None
    except (RecursionError, ValueError) as error:
        raise Unmeant("{what} cannot be read: {error}.", what=what, error=str(error)) from None
    if not isinstance(value, kind):
        if kind is list:
            raise Unmeant("{what} must be a list, such as [2, 2].", what=what)
        raise Unmeant("{what} must be an object of names.", what=what)
    return value


def _call(app: LocalQ, name: str, args: Any, kwargs: Any, options: dict[str, Any]) -> str:
    task = app.tasks.find(name)
    if task is None:
        text, values = _unknown(app, name)
        raise Unmeant(text, **values)
    try:
        # As the worker will read it: what JSON has no word for is tagged.
        given, named = codec.decode_call(json.dumps([args, kwargs]).encode())
        _check(task, given, named)
        return str(task.apply_async(given, named, **options).id)
    except (TypeError, ValueError, OverflowError, EncodeError) as error:
        raise Unmeant("{name} cannot be called so: {error}", name=name, error=str(error)) from None
    except LocalQError as error:
        raise QueryError(str(error)) from None


def _check(task: Task[..., Any], args: Any, kwargs: Any) -> None:
    """See that a call fits, whether its task checks that or not: here nobody is told later."""
    try:
        signature = inspect.signature(task.run)
    except (TypeError, ValueError):
        return
    signature.bind(*args, **kwargs)
