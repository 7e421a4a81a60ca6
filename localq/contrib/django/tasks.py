"""A backend for Django's own tasks: `django.tasks` of Django 6, or the package django-tasks before that.

    TASKS = {"default": {"BACKEND": "localq.contrib.django.tasks.LocalQBackend"}}

A function that Django's `@task` decorates for this backend is a task of the app too, by its dotted name: workers
that import its module run it, and settings such as `task_annotations` and `task_routes` hold for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.module_loading import import_string

from localq import current
from localq.app import LocalQ
from localq.contrib.django.task import DjangoTask
from localq.exceptions import ImproperlyConfigured
from localq.model.clock import to_datetime
from localq.model.ids import new_id
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.result import AsyncResult
from localq.serialization import failure

try:
    from django.tasks import TaskContext, TaskResult, TaskResultStatus
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import TaskError
    from django.tasks.exceptions import TaskResultDoesNotExist
    from django.tasks.signals import task_enqueued, task_finished, task_started
    from django.utils.json import normalize_json
except ModuleNotFoundError:
    from django_tasks import TaskContext, TaskResult, TaskResultStatus
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import TaskError
    from django_tasks.exceptions import TaskResultDoesNotExist
    from django_tasks.signals import task_enqueued, task_finished, task_started
    from django_tasks.utils import normalize_json

__all__ = ["LocalQBackend"]

_STATUS = {
    JobState.WAITING: TaskResultStatus.READY,
    JobState.SCHEDULED: TaskResultStatus.READY,
    JobState.READY: TaskResultStatus.READY,
    JobState.RUNNING: TaskResultStatus.RUNNING,
    JobState.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
    JobState.FAILED: TaskResultStatus.FAILED,
    JobState.CANCELLED: TaskResultStatus.FAILED,
}
#: Django's priorities go from -100 to 100, ours from 0 to 9; higher runs first in both.
_LOWEST, _SPAN = -100, 200


class LocalQBackend(BaseTaskBackend):  # type: ignore[misc]
    """Runs Django's tasks as jobs of an app: the one that OPTIONS["app"] names by its dotted path, or the current."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    @property
    def app(self) -> LocalQ:
        """The app whose jobs these are.

        Raises:
            ImproperlyConfigured: OPTIONS["app"] names none.
        """
        named = self.options.get("app")
        found = current.app() if named is None else import_string(str(named).replace(":", "."))
        if not isinstance(found, LocalQ):
            raise ImproperlyConfigured(
                f"TASKS[{self.alias!r}]['OPTIONS']['app'] is {named!r}, which is no app (an app is made by LocalQ)."
            )
        return found

    def validate_task(self, task: Any) -> None:
        """Check a task, which Django does whenever one is made, and take its function as a task of the app."""
        super().validate_task(task)
        if task.module_path not in self.app.tasks:
            self.app.register_task(_Function(task))

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Add a job, durable when this returns; return its result as Django has it."""
        self.validate_task(task)
        told = _result(task, new_id(), args, kwargs, enqueued_at=datetime.now(UTC))
        options = {
            "task_id": told.id,
            "queue": task.queue_name,
            "priority": (task.priority - _LOWEST) * 9 // _SPAN,
            "eta": task.run_after,
        }
        self.app.tasks[task.module_path].apply_async(_plain(told.args), _plain(told.kwargs), **options)
        task_enqueued.send(type(self), task_result=told)
        return told

    def get_result(self, result_id: str) -> Any:
        """Return the result of a job.

        Raises:
            TaskResultDoesNotExist: there is no such job, or it is none of a task of Django's that is known here.
        """
        job = self.app.AsyncResult(str(result_id))
        row = self.app.store.read.get([job.id]).get(job.id)
        known = None if row is None else self.app.tasks.find(row.task)
        if row is None or not isinstance(known, _Function):
            raise TaskResultDoesNotExist(result_id)
        return self._told(known.function_of_django, row, job)

    def _told(self, task: Any, row: Job, job: AsyncResult[Any]) -> Any:
        runs = self.app.store.read.attempts(job.id)
        workers = [run.worker for run in runs]
        if row.owner is not None:
            workers += [one.card.name for one in self.app.store.workers.all() if one.key == row.owner]
        started = [to_datetime(run.started_at) for run in runs if run.started_at is not None]
        told = _result(
            task.using(queue_name=row.queue, backend=self.alias),
            job.id,
            job.args or (),
            job.kwargs or {},
            status=_STATUS[JobState(row.state)],
            enqueued_at=to_datetime(row.created_at),
            started_at=started[0] if started else None,
            last_attempted_at=started[-1] if started else None,
            finished_at=job.date_done,
            errors=[error for run in runs for error in _errors(run)],
            worker_ids=workers,
        )
        if row.state == JobState.SUCCEEDED:
            object.__setattr__(told, "_return_value", job.result)
        return told


def _errors(run: Attempt) -> list[Any]:
    """Return what a run failed with, if it did."""
    if run.failure is None:
        return []
    told = failure.load(run.failure)
    return [TaskError(exception_class_path=f"{told.module}.{told.type}", traceback=told.traceback)]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: lists for tuples, texts for members of `TextChoices`."""
    return json.loads(json.dumps(normalize_json(value)))


def _result(task: Any, id: str, args: Sequence[Any], kwargs: Mapping[str, Any], **fields: Any) -> Any:
    """Return a result of Django's; what is not said is not known yet."""
    unknown = dict.fromkeys(("enqueued_at", "started_at", "finished_at", "last_attempted_at"))
    rest = {"status": TaskResultStatus.READY, "errors": [], "worker_ids": [], **unknown, **fields}
    return TaskResult(task=task, id=id, args=list(args), kwargs=dict(kwargs), backend=task.backend, **rest)


class _Function(DjangoTask[..., Any]):
    """A task of Django's as one of ours."""

    max_retries = 0

    def __init__(self, task: Any) -> None:
        self.name = task.module_path
        self.function_of_django = task
        # Whoever imports the function's module has this task too.
        self.__wrapped__ = task.func
        super().__init__()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and tell Django's signals of it."""
        task, request = self.function_of_django, self.request
        now = datetime.now(UTC)
        fields = {"started_at": now, "last_attempted_at": now, "status": TaskResultStatus.RUNNING}
        workers = [request.hostname or ""] * max(1, request.attempt)
        told = _result(task, request.id or new_id(), args, kwargs, worker_ids=workers, **fields)
        sender = type(task.get_backend())
        task_started.send(sender, task_result=told)
        status = TaskResultStatus.FAILED
        try:
            given = (TaskContext(task_result=told), *args) if task.takes_context else args
            value = _plain(task.call(*given, **kwargs))
            status = TaskResultStatus.SUCCESSFUL
            object.__setattr__(told, "_return_value", value)
            return value
        finally:
            object.__setattr__(told, "status", status)
            object.__setattr__(told, "finished_at", datetime.now(UTC))
            task_finished.send(sender, task_result=told)
