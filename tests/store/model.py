"""The store in plain Python: dicts and loops, no thought for speed. What `test_model` holds every store against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from localq.job import Attempt, Beat, Completion, Job, JobState, NewJob, Note
from localq.orders import PAUSE, Order

WAITING = (JobState.SCHEDULED, JobState.READY)


class Kept(NamedTuple):
    """All that is kept of a job. `job.args` is always there; `job.key` is the store's own choice."""

    job: Job
    attempts: Mapping[int, Attempt]
    note: bytes | None


class Worker(NamedTuple):
    lease_until: int
    boot_id: str
    gone: bool
    seen_at: int


class Model:
    """The verbs of `localq.store.base.Store`, as far as they change what can be seen."""

    def __init__(self) -> None:
        self.jobs: dict[str, Kept] = {}
        self.workers: dict[int, Worker] = {}
        self.paused: set[str] = set()

    def change(self, job_id: str, **fields: object) -> None:
        kept = self.jobs[job_id]
        self.jobs[job_id] = kept._replace(job=kept.job._replace(**fields))

    def add(self, jobs: Iterable[NewJob], now: int, key: int = -1) -> list[bool]:
        added = []
        for new in jobs:
            added.append(new.id not in self.jobs)
            if added[-1]:
                later = new.run_at is not None and new.run_at > now
                job = Job(
                    key,
                    new.id,
                    new.task,
                    new.queue,
                    new.priority,
                    JobState.SCHEDULED if later else JobState.READY,
                    now if new.run_at is None else new.run_at,
                    new.expires_at,
                    *(0, None, 0, 0, 0, 0, None, now, None),
                    new.args,
                    new.options,
                )
                self.jobs[new.id] = Kept(job, {}, None)
        return added

    def within(self, *states: JobState) -> list[Job]:
        return [kept.job for kept in self.jobs.values() if kept.job.state in states]

    # Claiming and finishing

    def claim(
        self, worker: int, queues: Sequence[str] | None, excluded: Sequence[str], limit: int, now: int
    ) -> tuple[list[str], int | None, bool]:
        if not self.holds(worker):
            return [], None, False
        for job in self.within(JobState.SCHEDULED):
            if job.run_at <= now:
                self.change(job.id, state=JobState.READY)
        next_at = min((job.run_at for job in self.within(JobState.SCHEDULED)), default=None)
        ready = [
            job
            for job in self.within(JobState.READY)
            if (queues is None or job.queue in queues) and job.queue not in {*excluded, *self.paused}
        ]
        ready.sort(key=lambda job: (-job.priority, job.key))
        taken = ready[: max(0, limit)]
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
        for done, ok in zip(completions, applied, strict=True):
            if ok:
                self.add(done.follow_ups, now)
        return applied

    def _end(self, done: Completion, now: int) -> bool:
        kept = self.jobs.get(done.id)
        if kept is None or kept.job.state != JobState.RUNNING:
            return False
        job = kept.job
        if (job.key, job.run_token, job.owner) != (done.key, done.run_token, done.owner):
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
        for job_id in dict.fromkeys(ids):
            if job_id not in self.jobs:
                continue
            job = self.jobs[job_id].job
            before[job_id] = JobState(job.state)
            if job.state in WAITING:
                self.change(job_id, state=JobState.CANCELLED, finished_at=now, cancel=1 + signal, shown=None)
            elif job.state == JobState.RUNNING and (signal or not job.cancel):
                self.change(job_id, cancel=1 + signal)
        return before

    def requeue(self, ids: Iterable[str], now: int) -> list[str]:
        again = []
        for job_id in ids:
            if job_id in self.jobs and JobState(self.jobs[job_id].job.state).final:
                again.append(job_id)
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
                )
                self.jobs[job_id] = self.jobs[job_id]._replace(note=None)
        return again

    def drop(self, jobs: Iterable[Job]) -> int:
        return sum(self.jobs.pop(job.id, None) is not None for job in jobs)

    def forget(self, ids: Iterable[str]) -> int:
        return self.drop(job for job in self.within(*FINAL) if job.id in set(ids))

    def purge(self, queues: Sequence[str] | None) -> int:
        return self.drop(job for job in self.within(*WAITING) if queues is None or job.queue in queues)

    def prune(self, before: int) -> int:
        owners = {job.owner for job in self.within(JobState.RUNNING)}
        for key, worker in list(self.workers.items()):
            if worker.gone and worker.seen_at < before and key not in owners:
                del self.workers[key]
        return self.drop(job for job in self.within(*FINAL) if job.finished_at is not None and job.finished_at < before)

    # Workers

    def pause(self, queues: Iterable[str]) -> list[str]:
        changed = [name for name in queues if name not in self.paused]
        self.paused.update(changed)
        return changed

    def resume(self, queues: Iterable[str]) -> list[str]:
        changed = [name for name in queues if name in self.paused]
        self.paused.difference_update(changed)
        return changed

    def heartbeat(self, worker: int, running: Mapping[int, int], lease_until: int, now: int) -> Beat:
        if not self.holds(worker):
            return Beat(False, tuple(running), {}, ())
        self.workers[worker] = self.workers[worker]._replace(lease_until=lease_until, seen_at=now)
        owned = {job.key: job for job in self.within(JobState.RUNNING) if job.owner == worker}
        known = {key for key, token in running.items() if key in owned and owned[key].run_token == token}
        return Beat(
            True,
            tuple(key for key in running if key not in known),
            {key: owned[key].cancel - 1 for key in known if owned[key].cancel},
            tuple(job._replace(args=None) for key, job in owned.items() if key not in known),
            tuple(Order(PAUSE, name, "") for name in sorted(self.paused)),
        )

    def bury(self, workers: Iterable[int], now: int) -> None:
        for key in workers:
            if self.holds(key):
                self.workers[key] = self.workers[key]._replace(gone=True, seen_at=now)

    def lost(self, lease_now: int, boot_id: str) -> set[str]:
        def dead(key: int | None) -> bool:
            owner = self.workers.get(-1 if key is None else key)
            return owner is None or owner.gone or owner.boot_id != boot_id or owner.lease_until < lease_now

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
