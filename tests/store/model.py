"""The store in plain Python: dicts and loops, no thought for speed. What `test_model` holds every store against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from localq.model.edges import Edge, Input, OnError, Passing, Role
from localq.model.job import Job, JobState, NewJob
from localq.model.orders import PAUSE, Order
from localq.model.outcome import Attempt, Completion, Note
from localq.model.worker import Beat, Served, WorkerState

WAITING = (JobState.WAITING, JobState.SCHEDULED, JobState.READY)
BAD = (JobState.FAILED, JobState.CANCELLED)
#: Keys from here on are the model's own, until those are known that the store gave.
PROVISIONAL = 1 << 40


class Kept(NamedTuple):
    """All that is kept of a job. `job.args` is always there; `job.key` is the store's own choice."""

    job: Job
    attempts: Mapping[int, Attempt]
    note: bytes | None


class Worker(NamedTuple):
    lease_until: int
    name: str
    gone: bool
    seen_at: int


class Model:
    """The verbs of `localq.store.protocol.store.Store`, as far as they change what can be seen."""

    def __init__(self) -> None:
        self.jobs: dict[str, Kept] = {}
        self.provisional = count(PROVISIONAL)
        self.workers: dict[int, Worker] = {}
        self.paused: set[str] = set()
        #: What each job waits for; None stands for a job that is not there.
        self.edges: dict[str, list[tuple[str | None, Edge]]] = {}

    def change(self, job_id: str, **fields: object) -> None:
        kept = self.jobs[job_id]
        self.jobs[job_id] = kept._replace(job=kept.job._replace(**fields))

    def add(self, jobs: Sequence[NewJob], now: int) -> list[bool]:
        added = self.insert(jobs, now)
        fresh = {new.id for new, is_new in zip(jobs, added, strict=True) if is_new}
        waiters = []
        for new, is_new in zip(jobs, added, strict=True):
            if is_new and new.after:
                waiters.append(new.id)
                self.edges[new.id] = [(one.awaited if one.awaited in self.jobs else None, one) for one in new.after]
        for waiter in waiters:
            for awaited, _ in self.edges[waiter]:
                if awaited is not None:
                    self.change(awaited, role=self.jobs[awaited].job.role | Role.AWAITED)
        for waiter in waiters:
            if any(one.awaited not in fresh for _, one in self.edges[waiter]):
                self.reckon(waiter, now)
        return added

    def insert(self, jobs: Sequence[NewJob], now: int) -> list[bool]:
        added = []
        for new in jobs:
            added.append(new.id not in self.jobs)
            if added[-1]:
                later = new.run_at is not None and new.run_at > now
                fed = any(one.passing in (Passing.FIRST, Passing.LISTED) for one in new.after)
                mentioned = any(one.awaited == new.id for other in jobs for one in other.after)
                job = Job(
                    next(self.provisional),
                    new.id,
                    new.task,
                    new.queue,
                    new.priority,
                    JobState.WAITING if new.after else JobState.SCHEDULED if later else JobState.READY,
                    (0 if new.after else now) if new.run_at is None else new.run_at,
                    new.expires_at,
                    *(0, None, 0, 0, 0, 0, None, now, None),
                    new.args,
                    new.options,
                    len(new.after),
                    (Role.FED if fed else 0) | (Role.AWAITED if mentioned else 0),
                    None,
                    new.workflow,
                )
                self.jobs[new.id] = Kept(job, {}, None)
        return added

    # Edges

    def waiters(self, job_id: str) -> list[tuple[str, Edge]]:
        """Return who waits for a job, in the order of keys."""
        found = [(waiter, edge) for waiter, ties in self.edges.items() for awaited, edge in ties if awaited == job_id]
        return sorted(found, key=lambda one: self.jobs[one[0]].job.key)

    def lower(self, waiter: str, now: int, culprit: str | None) -> None:
        job = self.jobs[waiter].job
        if job.state != JobState.WAITING:
            return
        if job.waits > 0:
            self.change(waiter, waits=job.waits - 1, culprit=culprit if job.culprit is None else job.culprit)
        self.let_go(waiter, now)

    def let_go(self, waiter: str, now: int) -> None:
        job = self.jobs[waiter].job
        if job.state == JobState.WAITING and job.waits == 0 and job.culprit is None:
            run_at = now - job.run_at if job.run_at <= 0 else job.run_at
            expires = job.expires_at
            self.change(
                waiter,
                state=JobState.SCHEDULED if run_at > now else JobState.READY,
                run_at=run_at,
                expires_at=now - expires if expires is not None and expires < 0 else expires,
            )

    def count(self, ended: Iterable[str], now: int, *, removed: bool = False) -> None:
        """Tell what waits for jobs that they are over."""
        jobs = sorted({self.jobs[one].job for one in ended}, key=lambda job: job.key)
        for job in jobs:
            if job.state == JobState.SUCCEEDED and not removed:
                for waiter, _ in self.waiters(job.id):
                    self.lower(waiter, now, None)
        bad = [job for job in jobs if removed or job.state in BAD]
        for job in bad:
            for waiter, edge in self.waiters(job.id):
                kept = self.jobs[waiter].job
                if edge.on_error == OnError.FAIL and kept.state == JobState.WAITING and kept.waits > 0:
                    self.change(waiter, waits=0, culprit="" if removed else job.id)
        for job in bad:
            for waiter, edge in self.waiters(job.id):
                if edge.on_error != OnError.FAIL:
                    blamed = None if edge.on_error == OnError.SKIP else "" if removed else job.id
                    self.lower(waiter, now, blamed)

    def bad_ties(self, waiter: str) -> list[str]:
        return [
            awaited
            for awaited, edge in self.edges.get(waiter, [])
            if awaited is not None and edge.on_error != OnError.SKIP and self.jobs[awaited].job.state in BAD
        ]

    def reckon(self, waiter: str, now: int) -> None:
        job = self.jobs[waiter].job
        if job.state not in (JobState.WAITING, JobState.READY):
            return
        states = [
            (awaited, None if awaited is None else JobState(self.jobs[awaited].job.state), edge.on_error)
            for awaited, edge in self.edges.get(waiter, [])
        ]
        unfinished = sum(state is not None and not state.final for _, state, _ in states)
        bad = [
            (awaited, policy)
            for awaited, state, policy in states
            if (state is None or state in BAD) and policy != OnError.SKIP
        ]
        if not unfinished and not bad:
            if job.state == JobState.WAITING and job.waits > 0:
                self.change(waiter, waits=0)
            self.let_go(waiter, now)
            return
        culprit = None if not bad else bad[0][0] or ""
        fails = any(policy == OnError.FAIL for _, policy in bad)
        self.change(waiter, state=JobState.WAITING, waits=0 if fails else unfinished, culprit=culprit)

    def inputs(self, job_id: str) -> list[Input]:
        given = []
        for awaited, edge in self.edges.get(job_id, []):
            if awaited is not None and edge.passing != Passing.NOTHING:
                kept = self.jobs[awaited]
                good = [kept.attempts[n] for n in sorted(kept.attempts) if kept.attempts[n].ending == "SUCCESS"]
                result = good[-1].result if good else None
                given.append(Input(awaited, kept.job.state, kept.job.options, edge.passing, edge.on_error, result))
        return given

    def within(self, *states: JobState) -> list[Job]:
        return [kept.job for kept in self.jobs.values() if kept.job.state in states]

    # Claiming and finishing

    def claim(
        self, worker: int, queues: Sequence[str] | None, excluded: Sequence[str], limit: int, now: int
    ) -> tuple[list[str], int | None, bool]:
        if not self.holds(worker):
            return [], None, False
        served = Served(None if queues is None else tuple(queues), tuple(excluded))
        for job in self.within(JobState.SCHEDULED):
            if job.run_at <= now and served.serves(job.queue):
                self.change(job.id, state=JobState.READY)
        stuck = sorted((job for job in self.within(JobState.WAITING) if job.waits == 0), key=lambda job: job.key)
        later = [job for job in self.within(JobState.SCHEDULED) if served.serves(job.queue)]
        next_at = min((job.run_at for job in later), default=None)
        ready = [
            job for job in self.within(JobState.READY) if served.serves(job.queue) and job.queue not in self.paused
        ]
        ready.sort(key=lambda job: (-job.priority, job.key))
        taken = stuck + ready[: max(0, limit)]
        for job in taken:
            self.change(
                job.id,
                state=JobState.RUNNING,
                run_token=job.run_token + 1,
                attempts=job.attempts + 1,
                owner=worker,
                shown=None,
            )
        return [job.id for job in taken], next_at, True

    def holds(self, worker: int) -> bool:
        return worker in self.workers and not self.workers[worker].gone

    def finish(self, completions: Sequence[Completion], now: int) -> list[bool]:
        applied = [self._end(done, now) for done in completions]
        held = [done for done, ok in zip(completions, applied, strict=True) if ok]
        self.count([done.id for done in held], now)
        for done in held:
            self.add(done.follow_ups, now)
        return applied

    def _end(self, done: Completion, now: int) -> bool:
        kept = self.jobs.get(done.id)
        if kept is None or kept.job.state != JobState.RUNNING:
            return False
        job = kept.job
        if (job.run_token, job.owner) != (done.run_token, done.owner):
            return False
        cancelled = bool(job.cancel) and not done.state.final
        state = JobState.CANCELLED if cancelled else done.state
        self.change(
            job.id,
            state=state,
            owner=None,
            run_at=done.run_at,
            retries=done.retries,
            crashes=done.crashes,
            shown=None if cancelled else done.shown,
            finished_at=now if state.final else None,
            attempts=job.attempts - (done.attempt is None),
            queue=job.queue if done.queue is None else done.queue,
            priority=job.priority if done.priority is None else done.priority,
        )
        if done.args is not None:
            self.change(job.id, args=done.args, options=done.options)
            self.change(job.id, role=job.role & Role.AWAITED)
        if not done.state.final:
            # The next run starts with nothing said.
            self.jobs[job.id] = self.jobs[job.id]._replace(note=None)
        if done.attempt is not None:
            kept = self.jobs[job.id]
            self.jobs[job.id] = kept._replace(attempts={**kept.attempts, done.attempt.number: done.attempt})
        return True

    def annotate(self, notes: Iterable[Note]) -> None:
        for said in notes:
            kept = self.jobs.get(said.id)
            if kept is not None and not JobState(kept.job.state).final:
                if said.meta is not None:
                    self.jobs[said.id] = kept._replace(note=said.meta)
                if said.shown is not None:
                    self.change(said.id, shown=said.shown)

    # By hand

    def cancel(self, ids: Iterable[str], now: int, signal: int) -> dict[str, JobState]:
        before = {}
        cancelled = []
        for job_id in dict.fromkeys(ids):
            if job_id not in self.jobs:
                continue
            job = self.jobs[job_id].job
            before[job_id] = JobState(job.state)
            if job.state in WAITING:
                self.change(job_id, state=JobState.CANCELLED, finished_at=now, cancel=1 + signal, shown=None)
                cancelled.append(job_id)
            elif job.state == JobState.RUNNING and (signal or not job.cancel):
                self.change(job_id, cancel=1 + signal)
        self.count(cancelled, now)
        return before

    def requeue(self, ids: Iterable[str], now: int) -> list[str]:
        again = [job_id for job_id in ids if job_id in self.jobs and self.again(job_id, now)]
        also: list[str] = []
        level = [one for one in again if self.jobs[one].job.role or self.jobs[one].job.workflow is not None]
        while level:
            needed: list[str] = [tie for one in level for tie in self.bad_ties(one)]
            while needed:
                one = needed.pop()
                if self.again(one, now):
                    also.append(one)
                    level.append(one)
                    needed += self.bad_ties(one)
            for one in level:
                self.reckon(one, now)
            level = self._behind_again(level, now)
        return again + also

    def again(self, job_id: str, now: int) -> bool:
        if not JobState(self.jobs[job_id].job.state).final:
            return False
        self.change(
            job_id,
            state=JobState.READY,
            run_at=now,
            finished_at=None,
            expires_at=None,
            retries=0,
            crashes=0,
            cancel=0,
            shown=None,
            culprit=None,
        )
        self.jobs[job_id] = self.jobs[job_id]._replace(note=None)
        return True

    def _behind_again(self, level: Sequence[str], now: int) -> list[str]:
        waiters = {waiter for one in level for waiter, _ in self.waiters(one)}
        revived = []
        for waiter in sorted(waiters, key=lambda one: self.jobs[one].job.key):
            job = self.jobs[waiter].job
            if job.state == JobState.WAITING:
                self.reckon(waiter, now)
            elif job.state in BAD and job.culprit in level:
                others = self.bad_ties(waiter)
                if others:
                    self.change(waiter, culprit=others[0])
                else:
                    self.again(waiter, now)
                    revived.append(waiter)
        return revived

    def drop(self, jobs: Iterable[Job]) -> int:
        gone = {job.id for job in jobs}
        for job_id in gone:
            del self.jobs[job_id]
            self.edges.pop(job_id, None)
        for waiter, ties in self.edges.items():
            self.edges[waiter] = [(awaited, edge) for awaited, edge in ties if awaited not in gone]
            if self.jobs[waiter].job.culprit in gone:
                self.change(waiter, culprit="")
        return len(gone)

    def is_needed(self, job: Job) -> bool:
        return any(not JobState(self.jobs[waiter].job.state).final for waiter, _ in self.waiters(job.id))

    def may_go(self, job: Job, before: int) -> bool:
        family = [kept.job for kept in self.jobs.values() if kept.job.workflow == job.workflow]
        return job.workflow is None or all(one.finished_at is not None and one.finished_at < before for one in family)

    def forget(self, ids: Iterable[str]) -> int:
        return self.drop([job for job in self.within(*FINAL) if job.id in set(ids) and not self.is_needed(job)])

    def purge(self, queues: Sequence[str] | None) -> int:
        gone = [job for job in self.within(*WAITING) if queues is None or job.queue in queues]
        self.count([job.id for job in gone], 0, removed=True)
        return self.drop(gone)

    def prune(self, before: int) -> int:
        owners = {job.owner for job in self.within(JobState.RUNNING)}
        for key, worker in list(self.workers.items()):
            if worker.gone and worker.seen_at < before and key not in owners:
                del self.workers[key]
        return self.drop(
            [
                job
                for job in self.within(*FINAL)
                if job.finished_at is not None
                and job.finished_at < before
                and self.may_go(job, before)
                and not self.is_needed(job)
            ]
        )

    # Workers

    def pause(self, queues: Iterable[str]) -> list[str]:
        changed = [name for name in queues if name not in self.paused]
        self.paused.update(changed)
        return changed

    def resume(self, queues: Iterable[str]) -> list[str]:
        changed = [name for name in queues if name in self.paused]
        self.paused.difference_update(changed)
        return changed

    def heartbeat(self, worker: int, running: Mapping[str, int], lease_until: int, now: int) -> Beat:
        if not self.holds(worker):
            return Beat(False, tuple(running), {}, ())
        self.workers[worker] = self.workers[worker]._replace(lease_until=lease_until, seen_at=now)
        owned = {job.id: job for job in self.within(JobState.RUNNING) if job.owner == worker}
        known = {one for one, token in running.items() if one in owned and owned[one].run_token == token}
        return Beat(
            True,
            tuple(one for one in running if one not in known),
            {one: owned[one].cancel - 1 for one in known if owned[one].cancel},
            tuple(job._replace(args=None) for one, job in owned.items() if one not in known),
            tuple(Order(PAUSE, name, "") for name in sorted(self.paused)),
        )

    def bury(self, workers: Iterable[int], now: int) -> None:
        for key in workers:
            if self.holds(key):
                self.workers[key] = self.workers[key]._replace(gone=True, seen_at=now)

    def entered(self, name: str) -> int | None:
        """Return the key of the worker that is there by a name."""
        return next((key for key, one in self.workers.items() if one.name == name and not one.gone), None)

    def standing(self, steady: int) -> dict[int, tuple[str, bool, int, WorkerState]]:
        """Return of each worker its name, whether it was declared gone, when it was seen, and how it stands."""

        def state(one: Worker) -> WorkerState:
            late = WorkerState.SILENT if one.lease_until < steady else WorkerState.ALIVE
            return WorkerState.GONE if one.gone else late

        return {key: (one.name, one.gone, one.seen_at, state(one)) for key, one in self.workers.items()}

    def lost(self) -> set[str]:
        def dead(key: int | None) -> bool:
            owner = self.workers.get(-1 if key is None else key)
            return owner is None or owner.gone

        return {job.id for job in self.within(JobState.RUNNING) if dead(job.owner)}

    # What can be seen

    def newest_first(self) -> Iterator[Kept]:
        return reversed(self.jobs.values())

    def shown_note(self, job_id: str) -> bytes | None:
        kept = self.jobs[job_id]
        return kept.note if kept.job.shown is not None or kept.job.state == JobState.RUNNING else None

    def stats(self) -> Mapping[tuple[str, JobState], int]:
        return Counter((kept.job.queue, JobState(kept.job.state)) for kept in self.jobs.values())

    def tasks_waiting(self) -> Mapping[tuple[str, str], int]:
        return Counter((job.queue, job.task) for job in self.within(*WAITING))


FINAL = tuple(state for state in JobState if state.final)
