"""What a job is: its states, the moves between them, and the values that travel between the rooms.

All values are frozen. Times are integer microseconds since 1970, UTC. `args`, `result` and `failure` are
bytes that only `codec` and `failure` read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from localq.orders import Order

__all__ = [
    "TRANSITIONS",
    "Attempt",
    "Beat",
    "Claim",
    "Completion",
    "Ending",
    "Job",
    "JobState",
    "NewJob",
    "Note",
    "Outcome",
    "WorkerCard",
    "WorkerRow",
]


class JobState(IntEnum):
    """Where a job is. Numbers are stored; final states are SUCCEEDED and above."""

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
        JobState.SCHEDULED: frozenset({JobState.READY, JobState.CANCELLED}),
        JobState.READY: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {JobState.SCHEDULED, JobState.READY, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
        ),
        JobState.SUCCEEDED: frozenset({JobState.READY}),
        JobState.FAILED: frozenset({JobState.READY}),
        JobState.CANCELLED: frozenset({JobState.READY}),
    }
)


class NewJob(NamedTuple):
    """A job to add.

    `run_at` None means at once. `options` is JSON text of what differs from the task's own options, or None.
    """

    id: str
    task: str
    queue: str
    args: bytes
    priority: int = 0
    run_at: int | None = None
    expires_at: int | None = None
    options: str | None = None


class Job(NamedTuple):
    """A job as the store has it. `key` is the store's own short handle, good as long as the job exists."""

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


class Attempt(NamedTuple):
    """One run of a job, as kept. `peak_kb` is the process's peak resident memory when the run ended."""

    number: int
    worker: str
    started_at: int | None
    ended_at: int
    ending: str
    result: bytes | None
    failure: bytes | None
    peak_kb: int | None
    output: str | None


class Ending(IntEnum):
    """How an attempt ended, as the slot saw it."""

    SUCCESS = 1
    FAILURE = 2
    RETRY = 3
    IGNORED = 4
    REJECTED = 5
    #: The slot died, or was killed; no word came from the task.
    LOST = 6
    #: Put back without being run.
    RELEASED = 7
    #: Cancelled, or expired.
    REVOKED = 8


class Outcome(NamedTuple):
    """What one attempt came to.

    `run_at` is when a retry is due. `args` are the new encoded arguments of a retry, None to keep them; so are
    `options`, `queue` and `priority`. `follow_ups` are jobs that must exist once this one has ended so. `requeue`
    belongs to REJECTED; `shown` is the last state the task gave itself.
    """

    ending: Ending
    started_at: int | None
    ended_at: int
    result: bytes | None = None
    failure: bytes | None = None
    run_at: int | None = None
    args: bytes | None = None
    options: str | None = None
    queue: str | None = None
    priority: int | None = None
    follow_ups: tuple[NewJob, ...] = ()
    requeue: bool = False
    shown: str | None = None
    peak_kb: int | None = None
    output: str | None = None


class Completion(NamedTuple):
    """What the store must write for an attempt that is over: the only way a running job moves.

    Accepted only while the job is RUNNING under `owner` and `run_token`. `attempt` None keeps no row and
    takes the attempt's charge back (the job was claimed but never run). `args` None keeps the old arguments and
    options; `queue` and `priority` None keep the old.
    """

    key: int
    id: str
    run_token: int
    owner: int
    state: JobState
    run_at: int
    retries: int
    crashes: int
    shown: str | None = None
    attempt: Attempt | None = None
    args: bytes | None = None
    options: str | None = None
    queue: str | None = None
    priority: int | None = None
    follow_ups: tuple[NewJob, ...] = ()


class Note(NamedTuple):
    """A running task's word about itself: a state of its own, and data to show with it (JSON bytes)."""

    id: str
    shown: str | None
    meta: bytes | None


class Claim(NamedTuple):
    """What a claim brought. `held` False: the worker was declared dead meanwhile and must register again."""

    jobs: list[Job]
    next_at: int | None
    held: bool = True


class Beat(NamedTuple):
    """The answer to a heartbeat.

    `stop` are keys this worker runs no longer by right; `cancel` maps keys to the signal number asked for;
    `orphans` are jobs the store counts to this worker but which it does not know; `orders` are all that hold.
    """

    held: bool
    stop: tuple[int, ...]
    cancel: dict[int, int]
    orphans: tuple[Job, ...]
    orders: tuple[Order, ...] = ()


class WorkerCard(NamedTuple):
    """What a worker says of itself when it registers. `uuid` names its presence files."""

    uuid: str
    name: str
    host: str
    pid: int
    boot_id: str
    pool: str
    concurrency: int
    queues: tuple[str, ...] | None
    excluded: tuple[str, ...]
    tasks: tuple[str, ...]


class WorkerRow(NamedTuple):
    """A registered worker. `lease_until` is in steady microseconds of `card.boot_id`."""

    key: int
    card: WorkerCard
    started_at: int
    seen_at: int
    lease_until: int
    gone: bool
