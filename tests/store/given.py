"""What tests of the store start from: values with everything filled in, and jobs in any state."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from localq.model.edges import Edge
from localq.model.job import Job, JobState, NewJob
from localq.model.orders import PAUSE, Order
from localq.model.outcome import Attempt, Completion
from localq.model.worker import Served, WorkerCard
from localq.store.protocol import Filter, Topic
from tests.store.together import DEADLINE_S

#: A moment, in microseconds since 1970, and a second and an hour.
NOW = 1_750_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
#: The lease of workers, in microseconds.
LEASE = 1_000 * SECOND


class LeaseClock:
    """The clock of a store's leases, which a test sets: microseconds."""

    at = 0

    def __call__(self) -> int:
        return self.at


def new(job_id: str = "job", **more: Any) -> NewJob:
    """Return a job to add."""
    return NewJob(**{"id": job_id, "task": "shop.mail", "queue": "default", "args": b"[[1],{}]", **more})


def news(*job_ids: str, **more: Any) -> list[NewJob]:
    """Return jobs to add, alike but for their ids."""
    return [new(job_id, **more) for job_id in job_ids]


def card(name: str = "anna", **more: Any) -> WorkerCard:
    """Return what a worker says of itself."""
    given = {
        "uuid": f"uuid-of-{name}",
        "name": name,
        "host": "localhost",
        "pid": 4711,
        "pool": "processes",
        "concurrency": 2,
        "queues": ("default",),
        "excluded": (),
        "tasks": ("shop.mail", "shop.pack"),
    }
    return WorkerCard(**{**given, **more})


def worker(store: Any, name: str = "anna", **more: Any) -> int:
    """Enter a worker with a lease and return its key."""
    return int(store.workers.enter(card(name, **more), NOW, LEASE))


def worker_of_an_earlier_start(store: Any, name: str = "anna", **more: Any) -> int:
    """Enter a worker that went down with its machine, which has started again since."""
    neighbours = store.workers.neighbours
    boot, neighbours.boot = neighbours.boot, "an earlier start"
    key = worker(store, name, **more)
    neighbours.boot = boot
    return key


def claimed(
    store: Any,
    key: int,
    limit: int = 100,
    *,
    queues: Sequence[str] | None = None,
    excluded: Sequence[str] = (),
    now: int = NOW,
) -> list[Job]:
    """Claim jobs for a worker."""
    return list(
        store.jobs.claim(key, Served(None if queues is None else tuple(queues), tuple(excluded)), limit, now).jobs
    )


def done(job: Job, state: JobState = JobState.SUCCEEDED, *, kept: bool = True, **more: Any) -> Completion:
    """Return the completion of a claimed job; `kept` False: claimed, but never run."""
    return Completion(
        **{
            "id": job.id,
            "run_token": job.run_token,
            "owner": job.owner,
            "state": state,
            "run_at": job.run_at,
            "retries": job.retries,
            "crashes": job.crashes,
            "attempt": attempt(job.attempts) if kept else None,
            **more,
        }
    )


def attempt(number: int, **more: Any) -> Attempt:
    """Return an attempt with everything filled in."""
    given = {
        "number": number,
        "worker": "anna",
        "started_at": NOW + 10,
        "ended_at": NOW + 20,
        "ending": "SUCCESS",
        "result": b"42",
        "failure": None,
        "peak_kb": 12_345,
        "output": "printed\n",
    }
    return Attempt(**{**given, **more})


def job(store: Any, job_id: str = "job") -> Job:
    """Return a job as the store has it now."""
    found: Job = store.read.get([job_id])[job_id]
    return found


def newly(store: Any, jobs: Sequence[NewJob], now: int) -> list[bool]:
    """Add jobs; return for each whether it is new."""
    found = store.jobs.add(jobs, now)
    assert [one.id for one in found] == [new.id for new in jobs]
    return [one.new for one in found]


def call(store: Any, job_id: str = "job") -> Job | None:
    """Return a job as the store has it now, with its arguments; None if it is unknown."""
    found: dict[str, Job] = store.read.get([job_id], args=True)
    return found.get(job_id)


def pause(store: Any, queues: Sequence[str]) -> list[str]:
    """Pause queues; return those that were not paused."""
    return [order.name for order in store.mail.order([Order(PAUSE, name, "") for name in queues], NOW)]


def resume(store: Any, queues: Sequence[str]) -> list[str]:
    """Let queues go on; return those that were paused."""
    return [order.name for order in store.mail.order([Order(PAUSE, name, None) for name in queues], NOW)]


def state(store: Any, job_id: str = "job") -> JobState:
    """Return a job's state."""
    return JobState(job(store, job_id).state)


def job_in(store: Any, wanted: JobState, job_id: str = "job") -> Job:
    """Add a job and bring it into a state by the verbs a program would use; it is alone in a queue of its name.

    One that waits does so for a job `first`, in a queue of that name.
    """
    later = NOW + HOUR if wanted == JobState.SCHEDULED else None
    after = (Edge("first"),) if wanted == JobState.WAITING else ()
    store.jobs.add([new("first", queue="first", workflow=job_id)] if after else [], NOW)
    store.jobs.add([new(job_id, queue=job_id, run_at=later, after=after)], NOW)
    if wanted == JobState.CANCELLED:
        store.jobs.cancel([job_id], NOW)
    elif wanted >= JobState.RUNNING:
        (taken,) = claimed(store, worker(store), queues=[job_id])
        if wanted.final:
            assert store.jobs.finish([done(taken, wanted)], NOW).applied == [True]
    assert state(store, job_id) == wanted
    return job(store, job_id)


def snapshot(store: Any) -> list[Any]:
    """Return all that can be seen of the jobs in a store."""
    jobs = store.read.find(Filter(), 10_000).jobs
    ids = [one.id for one in jobs]
    seen = [
        [call(store, i) for i in ids],
        [store.read.attempts(i) for i in ids],
        store.read.seen(ids),
        store.read.stats().counts,
    ]
    return [jobs, *seen]


def told(store: Any, topic: Topic = Topic.WORK) -> None:
    """Wait until what was rung before this, on a topic, has been heard: a store may tell a moment later."""
    other = Topic.SCHEDULES if topic == Topic.RESULTS else Topic.RESULTS
    with contextlib.closing(store.bells.hang(other)) as bell:
        store.bells.ring(other, ["told"])
        heard: list[str] = []
        while "told" not in heard:
            assert bell.wait(DEADLINE_S)
            heard += bell.drain()
