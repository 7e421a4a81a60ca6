"""What a task's own `apply_async`, or an app's own `send_task`, makes of a call that is planned and not sent at once.

A workflow is added as a whole, and a retry is written with what its run came to. Where a subclass overrides how its
task is called, the override is called for each of them all the same; the call that arrives at the end is kept for the
plan. A call that does not arrive is not to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

__all__ = ["Call", "asked", "taken"]


class Call(NamedTuple):
    """What a task is to be called with."""

    args: Any
    kwargs: Any
    options: dict[str, Any]


class _Asked(Protocol):
    """What is asked: a task."""

    name: str

    @property
    def apply_async(self) -> Callable[..., Any]: ...


class _Asking:
    """A call that is waited for, and what arrived."""

    def __init__(self, name: str, job_id: str) -> None:
        self.name, self.job_id = name, job_id
        self.call: Call | None = None


_asking: ContextVar[_Asking | None] = ContextVar("localq_asking", default=None)


def asked(task: _Asked, args: Any, kwargs: Any, options: Mapping[str, Any]) -> tuple[Call | None, Any]:
    """Call a task's `apply_async`; return the call that it would have sent, None if it sent none, and what it returned.

    Args:
        options: With the `task_id` that the job is to have. What the override sends beside it, jobs of other tasks or
            with other ids, is sent.
    """
    asking = _Asking(task.name, str(options["task_id"]))
    token = _asking.set(asking)
    try:
        said = task.apply_async(args, kwargs, **options)
    finally:
        _asking.reset(token)
    return asking.call, said


def taken(name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> str | None:
    """Keep a call for who asked for it, and return the id of its job; None if nobody did, and it is to be sent."""
    asking = _asking.get()
    if asking is None or asking.call is not None or name != asking.name:
        return None
    given = options.get("task_id")
    if given is not None and str(given) != asking.job_id:
        return None
    asking.call = Call(args, kwargs, {**options, "task_id": asking.job_id})
    return asking.job_id
