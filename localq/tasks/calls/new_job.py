"""From a call's options to a NewJob: checked in full, in the caller, before anything is stored."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from localq.exceptions import InvalidTaskError
from localq.model.bounds import checked_id
from localq.model.ids import new_id
from localq.model.job import NewJob
from localq.model.tagged_headers import as_plain
from localq.tasks.call_options import Find, check_kept, check_priority, kept_of, read_run_at
from localq.tasks.call_times import When
from localq.tasks.routing.queues import queue_name

__all__ = ["new_job", "options_text"]

_AS_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=as_plain)


def new_job(
    task: str,
    args: bytes,
    options: Mapping[str, Any],
    *,
    when: When,
    queue: str,
    priority: int,
    find: Find | None = None,
) -> NewJob:
    """Return the job of a call.

    Args:
        options: The call's own merged over the task's; None counts as not given.
        queue, priority: Where the options name none.
        find: Finds the tasks of callbacks, whose own options then apply to them.

    Raises:
        TypeError, ValueError: an option that cannot be, with its name and value.
        InvalidTaskError: callbacks are nested too deeply.
    """
    run_at = read_run_at(options, when)
    expires = options.get("expires")
    expires_at = None if expires is None else when.micros(expires, "expires")
    if expires_at is not None and expires_at <= when.now:
        warnings.warn(f"{task}: expires={expires!r} is in the past; the job will be revoked", stacklevel=5)
    job_id, chosen, rank = options.get("task_id"), options.get("queue"), options.get("priority")
    kept = kept_of(options)
    if kept:
        try:
            check_kept(kept, find)
        except RecursionError:
            raise InvalidTaskError(
                f"{task}: its callbacks have callbacks, nested too deeply to be written down. Make a chain of them."
            ) from None
    if run_at is not None:
        kept["eta"] = run_at
    return NewJob(
        id=new_id() if job_id is None else checked_id(job_id, "task_id"),
        task=task,
        queue=queue if chosen is None else queue_name(chosen),
        args=args,
        priority=priority if rank is None else check_priority(rank),
        run_at=run_at,
        expires_at=expires_at,
        options=options_text(kept) if kept else None,
        beside=options.get("beside"),
    )


def options_text(kept: dict[str, Any]) -> str:
    """Return what is kept of a call's options as text; an error names the one that cannot be written."""
    try:
        return _AS_JSON.encode(kept)
    except (TypeError, ValueError) as error:
        for name, value in kept.items():
            try:
                json.dumps(value, allow_nan=False, default=as_plain)
            except (TypeError, ValueError):
                raise TypeError(f"option {name}={value!r} cannot be written as JSON: {error}") from error
        raise
