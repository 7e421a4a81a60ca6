"""The store protocol: where jobs live. Its docstrings are the specification; `tests/store` is it executed.

A store knows values, never tasks, retry rules or clocks: every verb that writes takes `now` (microseconds since
1970) and decides nothing. Each writing verb is one atomic step: after an error or a crash either all of it is
there or none. All verbs may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from localq.job import (
    Attempt,
    Beat,
    Claim,
    Completion,
    Input,
    Job,
    JobState,
    NewJob,
    Note,
    Tie,
    WorkerCard,
    WorkerRow,
)

__all__ = ["Bell", "Filter", "Store"]


class Filter(NamedTuple):
    """Which jobs to find; None means any. `before` pages: only jobs whose key is lower."""

    states: tuple[JobState, ...] | None = None
    tasks: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    shown: str | None = None
    id_prefix: str | None = None
    before: int | None = None


class Bell(Protocol):
    """A wake-up hint between processes. Hints get lost; whoever waits looks again after at most half a second."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when the bell was rung."""
        ...

    def wait(self, timeout: float) -> bool:
        """Sleep until rung or `timeout` seconds have passed; return whether it rang; it stays rung until drained."""
        ...

    def drain(self) -> list[str]:
        """Clear the bell and return the words said with the rings, without waiting."""
        ...

    def mine(self) -> bool:
        """Whether this process made the bell, and did not inherit it over a fork."""
        ...

    def close(self) -> None:
        """Take the bell down."""
        ...


class Store(Protocol):
    """Where jobs live."""

    def open(self) -> None:
        """Create or check the store; safe to repeat, and from many processes at once.

        Raises:
            StoreError: see the subclasses; nothing is ever overwritten.
        """
        ...

    def close(self) -> None:
        """Let go of every resource; the next verb opens again."""
        ...

    def add(self, jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Add jobs, all or none, durably before this returns.

        A job whose id exists is left as it is. A job with something to wait for (`after`) is WAITING; one with a
        `run_at` after `now` is SCHEDULED, else READY. What is waited for may be added along, or be there: if it has
        finished, that counts as if it finished now.

        Returns:
            For each job whether it is new.
        """
        ...

    def claim(
        self,
        worker: int,
        queues: Sequence[str] | None,
        excluded: Sequence[str],
        limit: int,
        now: int,
    ) -> Claim:
        """Take up to `limit` READY jobs for a worker, having made due SCHEDULED ones READY.

        1. Higher priority first, then the order of adding; over all the queues served.
        2. Each becomes RUNNING, with `run_token` and `attempts` one higher and `owner` the worker.
        3. `queues` None serves every queue but the excluded ones.
        4. `next_at` is the earliest `run_at` still SCHEDULED, or None.
        5. A worker that is gone gets nothing, and `held` is False.
        6. Jobs that cannot run because of others (`culprit`) come first, whatever their queues are and beyond
           `limit`: the worker is to say so.
        """
        ...

    def finish(self, completions: Sequence[Completion], now: int) -> list[bool]:
        """Write what attempts came to; return for each whether it was applied.

        For each completion: (a) where `key, id, run_token, owner, RUNNING` does not hold write nothing for it;
        (b) the state, the attempt with its result or failure; (c) its follow-up jobs, and the call that replaces its
        own; (d) what waits for it is counted down: at zero it is READY, or SCHEDULED; what cannot do without it
        (`OnError`) has it as its culprit. A job flagged for cancelling that would run again becomes CANCELLED
        instead, and its follow-up jobs are not added if they are part of what should have replaced it.
        """
        ...

    def annotate(self, notes: Sequence[Note], now: int) -> None:
        """Keep what unfinished jobs say of themselves; notes of unknown or finished jobs are dropped."""
        ...

    def cancel(self, ids: Sequence[str], now: int, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs: those that wait are CANCELLED at once, RUNNING ones are flagged; (d) of `finish` holds.

        Args:
            signal: 0 lets a running job go on (but not run again); else the signal its process should get.

        Returns:
            The state each known id had before.
        """
        ...

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again, with no retries or crashes counted; return the ids that were.

        In a workflow a job also brings back what it cannot do without and did not succeed; and what failed because
        of it waits for it again.
        """
        ...

    def forget(self, ids: Sequence[str]) -> int:
        """Remove finished jobs with all they hold, unless an unfinished one waits for them; return how many."""
        ...

    def purge(self, queues: Sequence[str] | None) -> int:
        """Remove all jobs that wait in the queues (None: all queues); running ones stay. Return how many.

        What waits for a removed job elsewhere has a culprit that is not there any more.
        """
        ...

    def register(self, card: WorkerCard, now: int, lease_until: int) -> int:
        """Enter a worker; return its key."""
        ...

    def heartbeat(self, worker: int, running: Mapping[int, int], lease_until: int, now: int) -> Beat:
        """Renew a worker's lease and compare what it runs (`key -> run_token`) with what the store has."""
        ...

    def workers(self) -> list[WorkerRow]:
        """Return all registered workers, those gone included, oldest first."""
        ...

    def bury(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; they can claim nothing from here on, and `lost` returns their jobs."""
        ...

    def lost(self, lease_now: int, boot_id: str, limit: int) -> list[Job]:
        """Return RUNNING jobs whose worker is gone, unknown, of another boot, or past its lease.

        Jobs of live workers never stand in front of these, however many there are.
        """
        ...

    def prune(self, before: int, limit: int) -> int:
        """Remove up to `limit` jobs that finished before a time, and workers gone before it; return jobs removed.

        A job of a workflow stays until all of the workflow finished before that time.
        """
        ...

    def get(self, ids: Sequence[str]) -> dict[str, Job]:
        """Return the jobs known among `ids`, without their arguments."""
        ...

    def call(self, job_id: str) -> Job | None:
        """Return one job with its arguments."""
        ...

    def results(self, ids: Sequence[str]) -> dict[str, tuple[Job, Attempt | None, bytes | None]]:
        """Return each known job with its last attempt and its last note's data, in one read.

        The note's data only while the job runs or shows a state of its own.
        """
        ...

    def inputs(self, key: int) -> list[Input]:
        """Return what a job gets of those it waited for, in the order of its edges; those that give nothing left out.

        The result is that of the last success, unless the job has failed or was cancelled since.
        """
        ...

    def ended(self, key: int) -> tuple[Job, Attempt | None] | None:
        """Return a job with its last attempt, by its key."""
        ...

    def family(self, workflow: str) -> tuple[list[Job], list[Tie]]:
        """Return the jobs of a workflow, and the job whose id is its name, in the order of adding; and the edges."""
        ...

    def save_group(self, group_id: str, content: bytes, now: int) -> None:
        """Keep what a group consists of, until `prune` removes what was saved so long ago."""
        ...

    def saved_group(self, group_id: str) -> bytes | None:
        """Return what `save_group` kept, or None."""
        ...

    def forget_group(self, group_id: str) -> None:
        """Drop what `save_group` kept."""
        ...

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return every kept attempt of a job, first to last."""
        ...

    def find(self, which: Filter, limit: int) -> list[Job]:
        """Return jobs, newest first, without their arguments."""
        ...

    def stats(self) -> dict[tuple[str, JobState], int]:
        """Return the number of jobs by queue and state."""
        ...

    def oldest_ready(self) -> int | None:
        """Return since when the READY job that has waited longest could have run, or None if none is READY."""
        ...

    def tasks_waiting(self) -> dict[tuple[str, str], int]:
        """Return the number of jobs that wait or are due, by queue and task."""
        ...

    def worker_bell(self) -> Bell:
        """Return a bell that rings when there may be work, or a running job is to be cancelled."""
        ...

    def result_bell(self) -> Bell:
        """Return a bell that rings when jobs have finished; what is said are their ids."""
        ...

    def ring_workers(self, word: str = "") -> None:
        """Ring every worker's bell; any word asks for an early heartbeat."""
        ...

    def ring_waiters(self, ids: Iterable[str]) -> None:
        """Ring whoever waits for results, saying which are there."""
        ...

    def changed(self) -> bool:
        """Whether another connection wrote since this was last asked; cheap enough for twice a second."""
        ...

    def tend(self, now: int) -> None:
        """Do the store's own housekeeping that may take some milliseconds (checkpoints)."""
        ...
