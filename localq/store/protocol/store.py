"""The store protocol: where jobs live. Its docstrings are the specification; `tests/store` is it executed.

A store knows values, never tasks, retry rules or clocks: every verb that writes takes `now` (microseconds since
1970) and decides nothing. Each writing verb is one atomic step: after an error or a crash either all of it is
there or none. All verbs may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from localq.model.edges import Input, Tie
from localq.model.job import Job, JobState, NewJob
from localq.model.orders import Mail, Order
from localq.model.outcome import Attempt, Completion, Note
from localq.model.rates import NO_RATES, Rate
from localq.model.schedule import Due, Entry, Firing, LedgerRow, NewSchedule, Schedule, ScheduleState, SyncResult
from localq.model.worker import Beat, Claim, WorkerCard, WorkerRow

__all__ = ["Bell", "Filter", "Hearing", "Store"]


#: READY jobs of a queue and priority among which `oldest_ready` looks.
LINE = 1000


class Filter(NamedTuple):
    """Which jobs to find; None means any. `before` pages: only jobs whose key is lower.

    Of more than `limit` jobs of an `id_prefix`, those with the greatest ids are found.
    """

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

    def listen_for(self, word: str | None) -> None:
        """Be rung with this word alone from now on, as far as the store can see to it; None: with any.

        What was said a moment before this may be lost: look for yourself afterwards.
        """
        ...

    def mine(self) -> bool:
        """Whether this process made the bell, and did not inherit it over a fork."""
        ...

    def close(self) -> None:
        """Take the bell down."""
        ...


class Hearing(Bell, Protocol):
    """A bell of somebody who listens to events: what is sent to it is kept until it is received."""

    def receive(self) -> list[bytes]:
        """Return what was sent, each sending by itself, without waiting."""
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
        rates: Mapping[str, Rate] | None = NO_RATES,
    ) -> Claim:
        """Take up to `limit` READY jobs for a worker, having made due SCHEDULED ones READY.

        1. Higher priority first, then the order of adding; over all the queues served.
        2. Each becomes RUNNING, with `run_token` and `attempts` one higher and `owner` the worker.
        3. `queues` None serves every queue but the excluded ones.
        4. `next_at` is the earliest `run_at` still SCHEDULED, or None.
        5. A worker that is gone gets nothing, and `held` is False.
        6. Nothing is taken from a paused queue.
        7. No more jobs of a task are taken than its limit allows, over all workers: `rates` has the limits tasks
           have by themselves, over which RATE orders go; with None no limit holds. Jobs over it are parked:
           SCHEDULED at PARKED_AT, uncharged, in nobody's way; a later claim takes them, higher priority first,
           then the order of adding, and `next_at` is no later than it may.
        8. Jobs that cannot run because of others (`culprit`) come first, whatever their queues are and beyond
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
        """Renew a worker's lease, and compare what it runs (`key -> run_token`) with what the store has and orders."""
        ...

    def describe(self, worker: int, card: WorkerCard) -> None:
        """Replace what a worker said of itself."""
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
        """Return since when the READY job that has waited longest could have run, or None if none is READY.

        Looks at no more than the first `LINE` of each queue and priority: they are the first to be claimed.
        """
        ...

    def tasks_waiting(self) -> dict[tuple[str, str], int]:
        """Return the number of jobs that wait or are due, by queue and task."""
        ...

    # Schedules

    def sync_schedules(self, source: str, wanted: Sequence[NewSchedule], now: int) -> list[SyncResult]:
        """Make the schedules of a source those wanted; what other sources defined is left alone.

        Each schedule is changed in one step. A transaction changes 500 at most, and what is not wanted any more comes
        last: broken off on the way, the rest is done by the next call.

        1. An unknown name is added: ACTIVE, or ENDED if its `next_at` is None.
        2. One whose `rule` is the same keeps its state and times, and its history; only its `spec` follows.
        3. One whose `rule` differs takes the new anchor and times, and keeps its history. It is then as in 1, but
           if PAUSED it stays so.
        4. One that is not wanted any more is RETIRED: its `due_at` and `held_at` are None; `next_at` and history stay.
        5. A RETIRED one that is wanted again, by whatever source, comes back in the state it was retired from. If
           its rule is the same and its `next_at` is still to come, or it was ENDED, it keeps its times; else it
           takes the new ones as in 3.
        6. A name that another source holds, and has not retired, is a CONFLICT: nothing is written for it.
        7. Every write to a schedule makes its `revision` one higher. If nothing differs nothing is written, and no
           other writer waited for.

        Returns:
            What became of each one wanted, in that order, then of those retired now.

        Raises:
            ValueError: a name is wanted twice, or by another source than the one given.
        """
        ...

    def put_schedule(self, new: NewSchedule, now: int, *, replace: bool) -> bool:
        """Add or change one schedule, as 1, 2, 3, 5 and 6 of `sync_schedules` say.

        Args:
            replace: Whether one that is there, and not RETIRED, may be changed.

        Returns:
            False if the name is taken: by another source, or at all if it may not be replaced.
        """
        ...

    def set_schedule_state(
        self,
        name: str,
        state: ScheduleState,
        now: int,
        next_at: int | None,
        due_at: int | None,
        note: str | None = None,
    ) -> bool:
        """Give a schedule a state, times and a note, whatever it has; return whether it is known.

        What it holds for the previous job's end stays held. A firing computed before this is not accepted after it.
        """
        ...

    def remove_schedule(self, name: str) -> bool:
        """Remove a schedule with its ledger; return whether it was known. Its jobs stay; its key is never reused."""
        ...

    def schedules(
        self,
        names: Sequence[str] | None = None,
        states: Sequence[ScheduleState] | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Schedule]:
        """Return schedules by name. None means any; `after` pages: only names after it."""
        ...

    def due_schedules(self, now: int, limit: int) -> Due:
        """Return the ACTIVE schedules with `due_at` up to `now`, the longest due first, at most `limit` of them.

        1. After them come all other ACTIVE ones that have `held_at` set, however many.
        2. `next_due` is the earliest `due_at` of the ACTIVE ones not returned for being due, or None: where more
           were due than the limit it is not after `now`.
        3. It costs what is due and held, not what exists.
        """
        ...

    def fire(self, firings: Sequence[Firing], now: int) -> list[bool]:
        """Write what the turns of schedules come to, in one step; return for each whether it was applied.

        For each firing: (a) where the schedule's `key, revision, ACTIVE` does not hold write nothing for it;
        (b) its new times, state and counts, and `revision` one higher; (c) its entries into the ledger, in which a
        schedule's instant stands once: one that is there as fired stays, one that is there as skipped becomes fired
        by a fired entry (its range stays skipped but for it), or else stays; (d) its jobs, as `add` would, but for
        those of entries that were fired before, which are not counted in `runs` either; (e) what it cancels, as
        `cancel` would. One that is not applied disturbs no other.
        """
        ...

    def record(self, schedule: int, entries: Sequence[Entry], jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Fire instants by hand: ledger entries and jobs as in `fire`, for a schedule (by key) in any state.

        Its times, state and counts stay as they are; `last_at` and `last_job` follow the latest instant that
        fired. If anything was written its `revision` is one higher.

        Returns:
            For each entry whether it was written: not if its instant fired before, or the schedule is unknown.
        """
        ...

    def ledger(self, name: str, limit: int, before: int | None = None) -> list[LedgerRow]:
        """Return what became of a schedule's instants, latest first; `before` pages: only instants before it."""
        ...

    def prune_ledger(self, before: int, limit: int) -> int:
        """Remove up to `limit` ledger rows of instants before a time, and return how many.

        The latest `LEDGER_KEPT` of each schedule stay. A call looks at some of the schedules only; the next goes on
        from there.
        """
        ...

    def schedule_bell(self) -> Bell:
        """Return a bell that rings when schedules were added, changed, resumed or removed."""
        ...

    def ring_schedulers(self) -> None:
        """Ring every scheduler's bell; for whoever changed schedules: the verbs themselves ring nobody."""
        ...

    # Bells

    def backlog(self, queues: Sequence[str] | None, excluded: Sequence[str], most: int) -> int:
        """Return the number of READY jobs in the queues (None: all but the excluded), counting no further than `most`.

        Cheap, however many there are.
        """
        ...

    def pause(self, queues: Sequence[str], now: int) -> list[str]:
        """Let no job be claimed from queues, until they are resumed; return those that were not paused before."""
        ...

    def resume(self, queues: Sequence[str], now: int) -> list[str]:
        """Let jobs be claimed from queues again; return those that were paused."""
        ...

    def order(self, orders: Sequence[Order], now: int) -> None:
        """Give orders, in the place of earlier ones of their kind and name, or withdraw them (value None)."""
        ...

    def orders(self) -> list[Order]:
        """Return the orders that hold, by kind and name."""
        ...

    def send_control(
        self,
        command: str,
        arguments: str,
        destination: Sequence[str] | None,
        *,
        wants_reply: bool,
        expires_at: int,
        now: int,
    ) -> int:
        """Put a letter to the workers of these names (None: all) into the mailbox; return its key.

        Letters that have expired go, with the answers to them.
        """
        ...

    def take_control(self, worker: str, place: int | None, now: int) -> Mail:
        """Return the letters to a worker (by name) that came after a place in the mailbox and have not expired.

        Letters stay for others: what a worker has read it knows by the place returned. With None there are no
        letters, and the place is that of the last: who comes later is not meant.
        """
        ...

    def reply(self, key: int, worker: str, answer: str) -> None:
        """Answer a letter in a worker's name."""
        ...

    def replies(self, key: int) -> list[tuple[str, str]]:
        """Return who has answered a letter, and what, in the order of answering."""
        ...

    def worker_bell(self) -> Bell:
        """Return a bell that rings when there may be work, or a running job is to be cancelled."""
        ...

    def result_bell(self) -> Bell:
        """Return a bell that rings when jobs have finished; what is said are their ids."""
        ...

    def event_bell(self) -> Hearing:
        """Return a bell for who listens to events."""
        ...

    def heard(self) -> bool:
        """Whether anybody listens to events; cheap enough for twice a second."""
        ...

    def tell(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send at most 60,000 bytes to everybody who listens to events; events are hints, and get lost.

        Args:
            only: Those an earlier call returned.

        Returns:
            Who had no room for it.
        """
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
