"""What applies to a job at hand: its call's own options, else its task's, else the settings.

The worker that claims a job asks once, and what it is told goes with the job: to the slot that runs it, and to where
it is decided what its end means.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.settings import Settings
from localq.tasks.task import Task

__all__ = ["PLAIN", "Limits", "Rules", "Terms", "ignores_result", "rules_of"]


class Limits(NamedTuple):
    """Time limits in seconds, None for none."""

    hard: float | None
    soft: float | None


_UNLIMITED = Limits(None, None)


class Terms(NamedTuple):
    """What a run is told beside its job: the options of the call, and the time limits that apply."""

    options: JobOptions
    limits: Limits


#: Those of a job without options and limits.
PLAIN = Terms(JobOptions(), _UNLIMITED)


class Rules(NamedTuple):
    """All that applies to a job.

    `max_crashes`: how often its process may die; `at_most_once`: whether it must not run twice; `keep_errors`:
    whether its error is stored; `known`: whether its task is defined here.
    """

    terms: Terms
    max_crashes: int
    at_most_once: bool
    keep_errors: bool
    settings: Settings
    known: bool = True

    @property
    def options(self) -> JobOptions:
        """The options of the call."""
        return self.terms.options

    @property
    def limits(self) -> Limits:
        """The time limits."""
        return self.terms.limits


def rules_of(job: Job, task: Task[..., Any] | None, conf: Settings, ordered: Limits | None = None) -> Rules:
    """Return what applies to a job; a task that is not known here says nothing itself.

    Args:
        ordered: Time limits that somebody ordered for the task (0: none at all): they stand before the task's own,
            and behind the call's.
    """
    options, said = JobOptions.read(job.options), ordered or _UNLIMITED
    late = _first(options.acks_late, getattr(task, "acks_late", None), conf.task_acks_late)
    kept = _first(
        options.store_errors_even_if_ignored,
        getattr(task, "store_errors_even_if_ignored", None),
        conf.task_store_errors_even_if_ignored,
    )
    hard = _first(options.time_limit, said.hard, getattr(task, "time_limit", None), conf.task_time_limit)
    soft = _first(options.soft_time_limit, said.soft, getattr(task, "soft_time_limit", None), conf.task_soft_time_limit)
    return Rules(
        Terms(options, Limits(hard or None, soft or None)),
        max_crashes=int(_first(getattr(task, "max_crashes", None), conf.task_max_crashes)),
        at_most_once=not late,
        keep_errors=bool(kept) or not ignores_result(options, task, conf),
        settings=conf,
        known=task is not None,
    )


def ignores_result(options: JobOptions, task: Task[..., Any] | None, conf: Settings) -> bool:
    """Whether nobody wants the result of a job, as far as its call, its task and the settings say."""
    return bool(_first(options.ignore_result, getattr(task, "ignore_result", None), conf.task_ignore_result))


def _first(*values: Any) -> Any:
    """Return the first value that was given."""
    for value in values:
        if value is not None:
            return value
    return None
