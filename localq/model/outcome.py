"""What runs come to: attempts, and what is written for them."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from localq.model.job import JobState, NewJob

__all__ = ["OUTPUT_KEPT", "Attempt", "Completion", "Ending", "Note", "Outcome"]

#: Characters kept of what a run prints and logs: the last ones.
OUTPUT_KEPT = 16_384


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
    gave itself. `errbacks_made`: the follow-ups are all its callbacks for failure, and the worker makes none.
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
    errbacks_made: bool = False


class Completion(NamedTuple):
    """What the store must write for an attempt that is over: the only way a running job moves.

    Accepted only while the job is RUNNING under `owner` and `run_token`. `attempt` None keeps no row and
    takes the attempt's charge back (the job was claimed but never run). `args` None keeps the old arguments and
    options; `queue` and `priority` None keep the old. `replaced` is another call to be run under this id, which
    keeps what waits for it; the state is then where that call must begin.
    """

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
    replaced: NewJob | None = None


class Note(NamedTuple):
    """A running task's word about itself: a state of its own, and data to show with it (JSON bytes)."""

    id: str
    shown: str | None
    meta: bytes | None
