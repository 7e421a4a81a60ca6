"""The states Celery's users see, and their order (celery/states.py of 5.7).

A job's own state is `localq.model.job.JobState`; these names are what it is shown as.
"""

from __future__ import annotations

from localq.model.job import Job, JobState

__all__ = [
    "ALL_STATES",
    "EXCEPTION_STATES",
    "FAILURE",
    "IGNORED",
    "PENDING",
    "PROPAGATE_STATES",
    "READY_STATES",
    "RECEIVED",
    "REJECTED",
    "RETRY",
    "REVOKED",
    "STARTED",
    "SUCCESS",
    "UNREADY_STATES",
    "precedence",
    "public_state",
    "state",
]

PENDING = "PENDING"
RECEIVED = "RECEIVED"
STARTED = "STARTED"
SUCCESS = "SUCCESS"
FAILURE = "FAILURE"
REVOKED = "REVOKED"
REJECTED = "REJECTED"
RETRY = "RETRY"
IGNORED = "IGNORED"

READY_STATES = frozenset({SUCCESS, FAILURE, REVOKED})
UNREADY_STATES = frozenset({PENDING, RECEIVED, STARTED, REJECTED, RETRY})
EXCEPTION_STATES = frozenset({RETRY, FAILURE, REVOKED})
PROPAGATE_STATES = frozenset({FAILURE, REVOKED})
ALL_STATES = frozenset({PENDING, RECEIVED, STARTED, SUCCESS, FAILURE, RETRY, REVOKED})

#: High to low; None stands for any custom state.
PRECEDENCE: tuple[str | None, ...] = (
    SUCCESS,
    FAILURE,
    None,
    REVOKED,
    STARTED,
    RECEIVED,
    REJECTED,
    RETRY,
    PENDING,
)
_RANK = {name: rank for rank, name in enumerate(PRECEDENCE)}


def precedence(name: str) -> int:
    """Return the rank of a state: lower is higher; custom states rank between FAILURE and REVOKED."""
    return _RANK.get(name, _RANK[None])


class state(str):  # noqa: N801 - Celery's name
    """A state that compares by precedence: `state("PENDING") < state("SUCCESS")`."""

    __slots__ = ()

    def __gt__(self, other: str) -> bool:
        return precedence(self) < precedence(other)

    def __ge__(self, other: str) -> bool:
        return precedence(self) <= precedence(other)

    def __lt__(self, other: str) -> bool:
        return precedence(self) > precedence(other)

    def __le__(self, other: str) -> bool:
        return precedence(self) >= precedence(other)


_FINAL: dict[int, str] = {JobState.SUCCEEDED: SUCCESS, JobState.FAILED: FAILURE, JobState.CANCELLED: REVOKED}


def public_state(job: Job) -> str:
    """Return the state a job is shown as.

    A state the task set itself (`update_state`, `Ignore`) wins; a job that waits after a run that failed
    or was lost shows RETRY.
    """
    if job.shown is not None:
        return job.shown
    if job.state == JobState.RUNNING:
        return STARTED
    if job.state < JobState.RUNNING:
        return RETRY if job.retries or job.crashes else PENDING
    return _FINAL[job.state]
