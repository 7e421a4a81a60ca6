"""Tasks that can be asked to stop, and look now and then whether they were (celery.contrib.abortable of 5.7).

    @q.task(bind=True, base=AbortableTask)
    def long(self, rows):
        for row in rows:
            if self.is_aborted():
                return "stopped"
            work(row)

    long.delay(rows).abort()

A job that is cancelled (`AsyncResult.revoke`) needs no such help: it is stopped where it stands.
"""

from __future__ import annotations

from typing import Any, ParamSpec, TypeVar

from localq.model.job import JobState
from localq.result import AsyncResult
from localq.tasks.task import Task

__all__ = ["ABORTED", "AbortableAsyncResult", "AbortableTask"]

P = ParamSpec("P")
R = TypeVar("R")

ABORTED = "ABORTED"


class AbortableAsyncResult(AsyncResult[R]):
    """The result of a task that can be asked to stop."""

    def is_aborted(self) -> bool:
        """Whether the job was asked to stop, and has not ended since."""
        return self.state == ABORTED

    def abort(self) -> None:
        """Ask the job to stop: it shows the state ABORTED until it ends. Whether and when it stops is up to it.

        A job that has not started is cancelled instead.
        """
        app: Any = self._app
        job = self._job()
        if job is not None and job.state < JobState.RUNNING:
            app.cancel([self.id])
        app.annotate(self.id, ABORTED, None)


class AbortableTask(Task[P, R]):
    """A task that asks `is_aborted` now and then, and ends when that is true."""

    abstract = True

    def AsyncResult(self, task_id: str) -> AbortableAsyncResult[R]:  # noqa: N802 - Celery's name
        """Return the result of a job of this task."""
        return AbortableAsyncResult(task_id, self.app)

    def is_aborted(self, **kwargs: Any) -> bool:
        """Whether this run was asked to stop; each call reads the store.

        Args:
            kwargs: task_id, for another job than the running one.
        """
        job_id = kwargs.get("task_id") or self.request.id
        return job_id is not None and self.AsyncResult(job_id).is_aborted()
