"""What applies to the jobs of a worker: worked out once for each as it is claimed, of plain jobs once for each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from localq.app.app import LocalQ
from localq.execution.policy import Limits, Rules, rules_of
from localq.model.job import Job

__all__ = ["Rulebook"]


class _Orders(Protocol):
    """The time limits that somebody ordered, by task: another mapping as soon as they change."""

    @property
    def limits(self) -> Mapping[str, Limits]: ...


class Rulebook:
    """The rules by which a worker treats jobs.

    Args:
        app: Tasks and settings.
    """

    def __init__(self, app: LocalQ, orders: _Orders) -> None:
        self._app, self._orders = app, orders
        self._plain: dict[str, Rules] = {}
        self._revision = -1
        self._limits: Mapping[str, Limits] = {}

    def of_plain(self) -> Mapping[str, Rules]:
        """Return what applies to jobs without options, by task: of the tasks that were asked for so far."""
        tasks, limits = self._app.tasks, self._orders.limits
        if tasks.revision != self._revision or limits is not self._limits:
            self._plain.clear()
            self._revision, self._limits = tasks.revision, limits
        return self._plain

    def of(self, job: Job) -> Rules:
        """Return what applies to a job."""
        known = self.of_plain().get(job.task) if job.options is None else None
        if known is not None:
            return known
        task = self._app.tasks.find(job.task)
        rules = rules_of(job, task, self._app.conf, self._limits.get(job.task))
        if job.options is None:
            self._plain[job.task] = rules
        return rules
