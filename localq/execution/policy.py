"""What applies to a job at hand: the call's own options, else the task's, else the settings."""

from __future__ import annotations

from typing import Any, NamedTuple

from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.settings import Settings
from localq.tasks.task import Task

__all__ = ["Limits", "Policy", "first", "limits_of", "policy_of"]


class Limits(NamedTuple):
    """Time limits in seconds, None for none."""

    hard: float | None
    soft: float | None


class Policy(NamedTuple):
    """What the app says about a job: how often its process may die, and whether it may run twice at all."""

    max_crashes: int
    at_most_once: bool
    keep_errors: bool
    settings: Settings


def first(*values: Any) -> Any:
    """Return the first value that was given: of the call, the task, the settings."""
    for value in values:
        if value is not None:
            return value
    return None


def limits_of(task: Task[..., Any] | None, job: Job, conf: Settings) -> Limits:
    """Return the time limits of a job; a task that is not known here has none of its own."""
    options = JobOptions.read(job.options)
    return Limits(
        first(options.time_limit, getattr(task, "time_limit", None), conf.task_time_limit) or None,
        first(options.soft_time_limit, getattr(task, "soft_time_limit", None), conf.task_soft_time_limit) or None,
    )


def policy_of(task: Task[..., Any] | None, job: Job, conf: Settings) -> Policy:
    """Return the policy of a job; a task that is not known here has none of its own."""
    options = JobOptions.read(job.options)
    late = first(options.acks_late, getattr(task, "acks_late", None), conf.task_acks_late)
    ignored = first(options.ignore_result, getattr(task, "ignore_result", None), conf.task_ignore_result)
    kept = first(
        options.store_errors_even_if_ignored,
        getattr(task, "store_errors_even_if_ignored", None),
        conf.task_store_errors_even_if_ignored,
    )
    most = first(getattr(task, "max_crashes", None), conf.task_max_crashes)
    return Policy(int(most), not late, not ignored or bool(kept), conf)
