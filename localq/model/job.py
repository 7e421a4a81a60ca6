"""What a job is: its states, the moves between them, what ties jobs together, and the
values that travel between the rooms.

All values are frozen. Times are integer microseconds since 1970, UTC. `args`, `result` and `failure` are
bytes that only `codec` and `failure` read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from localq.model.orders import Order

__all__ = [
    "TRANSITIONS",
    "Attempt",
    "Beat",
    "Claim",
    "Completion",
    "Edge",
    "Ending",
    "Input",
    "Job",
    "JobState",
    "NewJob",
    "Note",
    "OnError",
    "Outcome",
    "Passing",
    "Role",
    "Tie",
    "WorkerCard",
    "WorkerRow",
]


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


class Passing(IntEnum):
    """What the job that waits gets of the one it waited for. Numbers are stored."""

    NOTHING = 0
    #: The result, in front of its own arguments.
    FIRST = 1
    #: The result as one of a list, in the order of the edges; the list comes in front of its own arguments.
    LISTED = 2
    #: Nothing, though it is one of a list that the job waits for.
    COUNTED = 3


class OnError(IntEnum):
    """What becomes of the job that waits when the one it waits for does not succeed. Numbers are stored."""

    #: It fails at once.
    FAIL = 0
    #: It fails when all it waits for have finished.
    WAIT = 1
    #: It runs, without that result.
    SKIP = 2


class Role:
    """What part a job has in edges: bits, stored as a number (and plain ones, for every job is asked)."""

    #: Others wait for it.
    AWAITED = 1
    #: It waits for others, and its arguments are not whole without their results.
    FED = 2


class Edge(NamedTuple):
    """What a new job waits for: the job of that id."""

    awaited: str
    passing: Passing = Passing.NOTHING
    on_error: OnError = OnError.FAIL


class Tie(NamedTuple):
    """An edge as a store has it: keys of jobs, and its place among the waiter's."""

    waiter: int
    position: int
    awaited: int
    passing: int
    on_error: int


class Input(NamedTuple):
    """What a job has from one it waited for. `result` None: no result was kept, or it did not succeed."""

    id: str
    state: int
    options: str | None
    passing: int
    on_error: int
    result: bytes | None


class NewJob(NamedTuple):
    """A job to add.

    `run_at` None means at once. `options` is JSON text of what differs from the task's own options, or None.
    `after` are the jobs it waits for, each once; one that is not known counts as removed. Where a job waits,
    `run_at` and `expires_at` may be negative: so many microseconds after it no longer does. `workflow` is the
    name that all jobs of a workflow share. `beside` names a job: whatever waits for a list that job is in waits
    for this one, too.
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

    @property
    def eta(self) -> int | None:
        """The time it is told to wait for, None where there is none or it is not known yet."""
        return None if self.run_at is None or self.run_at < 0 else self.run_at


class Job(NamedTuple):
    """A job as the store has it. `key` is the store's own short handle, good as long as the job exists.

    `waits` counts the unfinished jobs that it waits for; `role` is of `Role`. `culprit` is the key of the job it
    cannot run because of (0: one that was removed); such a job is claimed only to say so.
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
    culprit: int | None = None
    workflow: str | None = None


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
    #: The task put another call in its place.
    REPLACED = 9
    #: Never run, because a job it waited for did not succeed.
    BEHIND = 10


class Outcome(NamedTuple):
    """What one attempt came to.

    `run_at` is when a retry is due. `args` are the new encoded arguments of a retry, None to keep them; so are
    `options`, `queue` and `priority`. `follow_ups` are jobs that must exist once this one has ended so. `requeue`
    belongs to REJECTED, `replaced` (the call to run under this id) to REPLACED; `shown` is the last state the task
    gave itself.
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
    replaced: NewJob | None = None


class Completion(NamedTuple):
    """What the store must write for an attempt that is over: the only way a running job moves.

    Accepted only while the job is RUNNING under `owner` and `run_token`. `attempt` None keeps no row and
    takes the attempt's charge back (the job was claimed but never run). `args` None keeps the old arguments and
    options; `queue` and `priority` None keep the old. `role` is the job's as claimed. `replaced` is another call
    to be run under this id, which keeps what waits for it; the state is then where that call must begin.
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
    role: int = 0
    replaced: NewJob | None = None


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
