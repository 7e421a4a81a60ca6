"""The numbers that fix how a store in SQL is laid out; `schema` has the tables."""

from __future__ import annotations

__all__ = ["ADDED", "ATTEMPT_BITS", "INLINE_ARGS", "KEPT", "LAST_ATTEMPT", "SCHEMA_VERSION", "TAKEN", "span"]

#: Raised with every change of the tables; a file of a higher one is refused, one of a lower converted.
SCHEMA_VERSION = 5
#: Arguments longer than this (bytes) are kept in `payload`: the hot row is rewritten several times.
INLINE_ARGS = 512
#: An attempt's key is `job << ATTEMPT_BITS | number`: clustered by job without an index of its own.
ATTEMPT_BITS = 20
#: The highest number an attempt is kept under; those after it take its place.
LAST_ATTEMPT = (1 << ATTEMPT_BITS) - 1
#: The columns of a job that is added, and of an attempt that is kept, in the order in which a row has their values:
#: first, what differs from job to job.
ADDED = ("id", "args", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "options")
KEPT = ("key", "started_at", "ended_at", "result", "peak_kb", "worker", "ending", "failure", "output")
#: The columns that a claim reads; what the others of a ready job hold goes without saying, and reading it takes time.
TAKEN = (
    "key",
    "id",
    "task",
    "queue",
    "priority",
    "run_at",
    "expires_at",
    "run_token",
    "attempts",
    "retries",
    "crashes",
    "created_at",
    "args",
    "options",
    "role",
    "workflow",
)


def span(job: int) -> tuple[int, int]:
    """Return the first and the end (exclusive) of the keys of a job's attempts."""
    return job << ATTEMPT_BITS, (job + 1) << ATTEMPT_BITS
