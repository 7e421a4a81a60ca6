"""Calls of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localq.app import LocalQ
from localq.exceptions import LocalQError, StoreError
from localq.web.act.change import Hand, written_down

__all__ = ["BadCall", "call_task"]


class BadCall(Exception):
    """A call that cannot be made: its arguments do not fit the task, or an option cannot be."""


def call_task(
    app: LocalQ, hand: Hand, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """Call a task by its name, and return the id of the job; the task need not be known here.

    Raises:
        BadCall: see there.
    """
    hand.check()
    task = app.tasks.find(name)
    try:
        if task is not None:
            job = task.apply_async(tuple(args), dict(kwargs), **options)
        else:
            job = app.send_task(name, tuple(args), dict(kwargs), **options)
    except StoreError:
        raise
    except (TypeError, ValueError, OverflowError, LocalQError) as error:
        raise BadCall(str(error)) from error
    written_down(app, hand, "call", job.id, note=name)
    return job.id
