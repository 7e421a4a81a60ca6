"""What a result tells of its job beside how it ended: its call, its runs, where it ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from localq.model.clock import to_datetime
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.result.attempts import Run
from localq.result.job_view import JobView
from localq.result.lineage import Source
from localq.serialization import codec
from localq.serialization.sealing import open_call

__all__ = ["JobFacts"]


class JobFacts:
    """The part of a result that is about its job's past.

    A subclass has `_read`, which returns the job as it is.
    """

    id: str
    _app: Source

    def _read(self) -> JobView | None:
        raise TypeError(f"{type(self).__name__} does not say which job it is of")

    def _job(self) -> Job | None:
        view = self._read()
        return None if view is None else view.job

    @property
    def attempts(self) -> list[Run]:
        """Every run of the job that ended, first to last."""
        return [Run.of(one) for one in self._app.store.read.attempts(self.id)]

    @property
    def name(self) -> str | None:
        """The task's name."""
        job = self._job()
        return None if job is None else job.task

    @property
    def args(self) -> tuple[Any, ...] | None:
        """The call's positional arguments."""
        call = self._call()
        return None if call is None else call[0]

    @property
    def kwargs(self) -> dict[str, Any] | None:
        """The call's keyword arguments."""
        call = self._call()
        return None if call is None else call[1]

    def _call(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        job = self._app.store.read.get([self.id], args=True).get(self.id)
        if job is None or job.args is None:
            return None
        options = JobOptions.read(job.options)
        stored = open_call(job, self._app.conf)
        return codec.decode_call(stored, options.serializer, self._app.accepts(job.task))

    @property
    def worker(self) -> str | None:
        """The name of the worker that ran the last attempt."""
        view = self._read()
        return None if view is None or view.last is None else view.last.worker

    @property
    def date_done(self) -> datetime | None:
        """When the job finished (aware, UTC)."""
        job = self._job()
        return None if job is None or job.finished_at is None else to_datetime(job.finished_at)

    @property
    def retries(self) -> int | None:
        """How often the task was retried; lost runs are not counted."""
        job = self._job()
        return None if job is None else job.retries

    @property
    def queue(self) -> str | None:
        """The queue's name."""
        job = self._job()
        return None if job is None else job.queue
