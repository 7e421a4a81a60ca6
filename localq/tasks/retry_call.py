"""The call that a retry makes: what it changes of the running one, and what the task's `apply_async` makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from localq.canvas import Signature
from localq.exceptions import Reject
from localq.model.ids import new_id
from localq.model.job import JobState
from localq.tasks.call_options import read_changes
from localq.tasks.calls.asked import asked
from localq.tasks.parameters import changed_call
from localq.tasks.request import Context

__all__ = ["retry_call", "send_apart", "withdrawn"]


class _Task(Protocol):
    """What is asked of a task that runs."""

    name: str
    app: Any
    run: Callable[..., Any]
    apply_async: Callable[..., Any]
    asks: Callable[[], bool]

    @property
    def request(self) -> Context: ...


def retry_call(
    task: _Task,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    countdown: Any,
    eta: Any,
) -> tuple[Signature[Any], Any]:
    """Return what a retry changes of the job, and when it is due.

    The signature says `changed` where it changes anything, and `unsent` where there is to be no retry.

    Args:
        args, kwargs: As of `changed_call`.
        options: Those that the job keeps, from now on.

    Raises:
        TypeError, ValueError: an option cannot be.
        Reject: the task's own `apply_async` raised an error, as in Celery.
    """
    request = task.request
    changes = read_changes(options, task.app.tasks.find)
    called = changed_call(task.run, (request.args or (), request.kwargs or {}), args, kwargs)
    kept = {**changes.kept, "queue": changes.queue, "priority": changes.priority}
    sig: Signature[Any] = Signature(task.name, *called, kept)
    sig["changed"] = args is not None or kwargs is not None or bool(options)
    if not task.asks():
        return sig, countdown if eta is None else eta
    return sig, _asked_again(task, sig, {**_own_options(request), **options, "countdown": countdown, "eta": eta})


def _own_options(request: Context) -> dict[str, Any]:
    """Return the options of the running job that Celery hands on to its retry."""
    place = request.delivery_info or {}
    return {
        "task_id": request.id,
        "root_id": request.root_id,
        "parent_id": request.parent_id,
        "group_id": request.group,
        "link": request.callbacks,
        "link_error": request.errbacks,
        "headers": request.headers,
        "retries": request.retries + 1,
        "queue": place.get("queue"),
        "priority": place.get("priority"),
    }


def _asked_again(task: _Task, sig: Signature[Any], options: Mapping[str, Any]) -> Any:
    """Let a subclass's `apply_async` make what it wants of a retry; return when that is due.

    A retry that it does not send is not to be, unless it returns the result of this very job.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        call, said = asked(task, sig.args, sig.kwargs, given)
    except Exception as error:
        raise Reject(error, requeue=False) from error
    if call is None:
        sig["unsent"] = getattr(said, "id", None) != given["task_id"]
        return given.get("eta", given.get("countdown"))
    changes = read_changes(call.options, task.app.tasks.find)
    sig.update(args=tuple(call.args), kwargs=dict(call.kwargs), changed=True)
    sig["options"] = {**changes.kept, "queue": changes.queue, "priority": changes.priority}
    eta = call.options.get("eta")
    return call.options.get("countdown") if eta is None else eta


def send_apart(task: _Task, sig: Signature[Any], when: Any) -> None:
    """Add the job that a retry is while its run goes on, unless there is to be none."""
    if sig.get("unsent"):
        return
    request = task.request
    changed = {name: value for name, value in sig.options.items() if value is not None and name not in _FAMILY}
    own = {name: value for name, value in _own_options(request).items() if name not in _FAMILY}
    own |= {name: getattr(request, name) for name in ("shadow", "ignore_result", "stamps")}
    own |= {"max_retries": request.__dict__.get("max_retries")}
    options = {name: value for name, value in {**own, **changed}.items() if value is not None}
    sig["apart"] = new_id()
    options |= {"task_id": sig["apart"], "eta" if isinstance(when, datetime) else "countdown": when}
    task.app.send(task.name, sig.args, sig.kwargs, options, task)


def withdrawn(app: Any, sig: Signature[Any]) -> bool:
    """Take back the job that a retry was sent as, if there is one; return whether it has not begun."""
    job_id = sig.get("apart")
    if job_id is None:
        return True
    job = app.store.read.get([job_id]).get(job_id)
    if job is None or job.state >= JobState.RUNNING or app.cancel([job_id])[job_id] >= JobState.RUNNING:
        return False
    app.store.jobs.forget([job_id])
    return True


#: What ties a job to others: one that is sent by the running job is its child, and in no group.
_FAMILY = ("task_id", "root_id", "parent_id", "group_id")
