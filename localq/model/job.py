"""What a job is: its states, the moves between them, what ties jobs together, and the
values that travel between the rooms.

All values are frozen. Times are integer microseconds since 1970, UTC. `args`, `result` and `failure` are
bytes that only `codec` and `failure` read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from localq.model.edges import Edge

__all__ = ["TRANSITIONS", "Job", "JobState", "NewJob"]


class JobState(IntEnum):
    """Where a job is. Numbers are stored; final states are SUCCEEDED and above."""

    #: Waits for other jobs (see `Edge`); with none left to wait for, for a worker to say what it failed of.
    WAITING = -1
    #: Waits for `run_at`.
    SCHEDULED = 0
    #: May be claimed now.
    READY = 1
    #: Claimed by `owner` under `run_token`.
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    #: Cancelled, or expired before it ran.
    CANCELLED = 5

    @property
    def final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self >= JobState.SUCCEEDED


#: Every move a store may make; the store suite tries all others.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.WAITING: frozenset({JobState.SCHEDULED, JobState.READY, JobState.RUNNING, JobState.CANCELLED}),
        JobState.SCHEDULED: frozenset({JobState.READY, JobState.CANCELLED}),
        JobState.READY: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {
                JobState.WAITING,
                JobState.SCHEDULED,
                JobState.READY,
                JobState.SUCCEEDED,
                JobState.FAILED,
                JobState.CANCELLED,
            }
        ),
        JobState.SUCCEEDED: frozenset({JobState.READY, JobState.WAITING}),
        JobState.FAILED: frozenset({JobState.READY, JobState.WAITING}),
        JobState.CANCELLED: frozenset({JobState.READY, JobState.WAITING}),
    }
)


class NewJob(NamedTuple):
    """A job to add.

    `run_at` None means at once. `options` is JSON text of what differs from the task's own options, or None.
    `after` are the jobs it waits for, each once; one that is not known counts as removed. Where a job waits,
    `run_at` and `expires_at` may be negative: so many microseconds after it no longer does. `workflow` is the
    name that all jobs of a workflow share. `beside` names a job: whatever waits for a list that job is in waits
    for this one, too. `properties` is what the call said that is no option, for who is told of its publishing: no
    store keeps it.
    """

    id: str
    task: str
    queue: str
    args: bytes
    priority: int = 0
    run_at: int | None = None
    expires_at: int | None = None
    options: str | None = None
    after: tuple[Edge, ...] = ()
    workflow: str | None = None
    beside: str | None = None
    properties: Mapping[str, Any] | None = None

    @property
    def eta(self) -> int | None:
        """The time it is told to wait for, None where there is none or it is not known yet."""
        return None if self.run_at is None or self.run_at < 0 else self.run_at


class Job(NamedTuple):
    """A job as the store has it. `id` names it everywhere; `key` says where it stands in the order of adding.

    `waits` counts the unfinished jobs that it waits for; `role` is of `Role`. `culprit` is the id of the job it
    cannot run because of (empty: one that was removed); such a job is claimed only to say so.
    """

    key: int
    id: str
    task: str
    queue: str
    priority: int
    state: int
    run_at: int
    expires_at: int | None
    run_token: int
    owner: int | None
    attempts: int
    retries: int
    crashes: int
    cancel: int
    shown: str | None
    created_at: int
    finished_at: int | None
    args: bytes | None
    options: str | None
    waits: int = 0
    role: int = 0
    culprit: str | None = None
    workflow: str | None = None
