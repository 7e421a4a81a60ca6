"""The runs of a job that ended, as its caller reads them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from localq.model.clock import to_datetime
from localq.model.outcome import Attempt
from localq.serialization import failure

__all__ = ["Run"]


class Run(NamedTuple):
    """One attempt of a job, for reading.

    `outcome` is SUCCESS, FAILURE, RETRY, IGNORED, REJECTED, LOST, INTERRUPTED, REVOKED or BEHIND: it never ran, as what
    it waited for did not succeed. `peak_memory` is in bytes, that of the process when the run ended; `output` the last
    part of what the task printed.
    """

    number: int
    worker: str
    started: datetime | None
    ended: datetime
    outcome: str
    error: str | None
    traceback: str | None
    peak_memory: int | None
    output: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Run:
        """Return an attempt as the store kept it, for reading."""
        told = None if attempt.failure is None else failure.load(attempt.failure)
        return cls(
            number=attempt.number,
            worker=attempt.worker,
            started=None if attempt.started_at is None else to_datetime(attempt.started_at),
            ended=to_datetime(attempt.ended_at),
            outcome=attempt.ending,
            error=None if told is None else f"{told.type}: {told.message}",
            traceback=None if told is None else told.traceback,
            peak_memory=None if attempt.peak_kb is None else attempt.peak_kb * 1024,
            output=attempt.output,
        )
