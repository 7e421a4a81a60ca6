"""What a job has to show: its value, or what it failed with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured, SecurityError, TaskRevokedError
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Attempt
from localq.result.said import read_said
from localq.serialization import codec, failure
from localq.serialization.exception_rebuild import rebuild
from localq.serialization.failure import Failure
from localq.serialization.sealing import open_failure, open_result
from localq.settings import Settings
from localq.store.protocol import Workers

__all__ = ["JobView", "runner_of"]


def runner_of(job: Job, workers: Workers) -> dict[str, Any]:
    """Return what Celery says of a job that runs: its worker's process, and name."""
    card = next((row.card for row in workers.all() if row.key == job.owner), None)
    return {"pid": None if card is None else card.pid, "hostname": None if card is None else card.name}


class JobView(NamedTuple):
    """A job as it was read, with its last attempt that ended, and the data it last said of itself."""

    job: Job
    last: Attempt | None
    said: bytes | None

    @property
    def final(self) -> bool:
        """Whether the job is finished, well or not."""
        return self.job.state >= JobState.SUCCEEDED

    @property
    def silent(self) -> bool:
        """Whether the job runs and its task has said nothing of it yet."""
        return self.job.state == JobState.RUNNING and self.job.shown is None and self.said is None

    @property
    def failure(self) -> Failure | None:
        """What the last attempt failed with, if that is what the job has to show now."""
        if self.last is None or self.last.failure is None or not self._is_shown(self.last):
            return None
        return failure.load(self.last.failure)

    def _is_shown(self, last: Attempt) -> bool:
        """Whether the last attempt's failure still counts: not if the job was put back, or revoked since."""
        job = self.job
        if job.state in (JobState.READY, JobState.SCHEDULED):
            return bool(job.retries or job.crashes)
        return job.state == JobState.FAILED or (job.state == JobState.CANCELLED and last.ending == "REVOKED")

    def value(self, accept: Collection[str], settings: Settings) -> Any:
        """Return the job's result, or its error, or what it said last, or None.

        An error that is not signed as it must be is a SecurityError in its place.

        Args:
            accept: The serializers this process agrees to read.

        Raises:
            SecurityError: the result is not signed as it must be, or its serializer is not accepted.
            DecodeError: the result cannot be read.
        """
        job, last = self.job, self.last
        if job.state == JobState.SUCCEEDED and job.shown is None:
            if last is None or last.result is None:
                return None
            serializer = JobOptions.serializer_of(job.options)
            return codec.decode(open_result(job.id, serializer, last.result, settings), serializer, accept)
        if job.shown is not None or job.state == JobState.RUNNING:
            return read_said(job.shown, self.said)
        if last is not None and (told := self.failure) is not None:
            try:
                open_failure(job.id, last.failure or b"", settings)
            except (SecurityError, ImproperlyConfigured) as error:
                return error
            return rebuild(told)
        return TaskRevokedError("revoked") if job.state == JobState.CANCELLED else None
