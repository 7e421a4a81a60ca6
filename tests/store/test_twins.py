"""Random histories on two stores side by side: Redis does what SQLite does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from localq.model.edges import Edge, OnError, Passing
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.rates import Rate
from localq.model.worker import Served
from localq.store.protocol import Filter
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, SECOND, LeaseClock, attempt, card, done, pause, resume
from tests.store.redis_server import reason, redis_server

if reason() is None:
    from localq.store.redis.audit import contents, faults
    from localq.store.redis.rows import job_of
    from localq.store.redis.store import RedisStore

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

QUEUES = ("fast", "slow", "rare")
TASKS = ("shop.mail", "shop.pack")
STEPS = 60


class Twins:
    """The same done to a store on SQLite and one on Redis, by a source of chances."""

    def __init__(self, sqlite: Any, redis: Any, chance: random.Random) -> None:
        self.stores = (sqlite, redis)
        self.chance, self.now = chance, NOW
        self.names = [f"job-{n}" for n in range(12)]
        self.workers: list[tuple[int, int]] = []
        self.runs: list[tuple[Job, Job]] = []
        self.log: list[str] = []

    def both(self, what: str, act: Any) -> tuple[Any, Any]:
        self.log.append(what)
        return act(self.stores[0], 0), act(self.stores[1], 1)

    def same(self, what: str, act: Any) -> Any:
        one, other = self.both(what, act)
        assert one == other, (what, self.log[-12:])
        return one

    def new(self, job_id: str | None = None) -> NewJob:
        pick = self.chance
        job_id = job_id or pick.choice(self.names)
        others = [name for name in self.names if name != job_id]
        after = pick.sample(others, pick.randint(1, 4)) if pick.random() < 0.45 else []
        if pick.random() < 0.9:
            after = [name for name in after if name < job_id]
        when = pick.choice([None, None, None, 0, 2, 5])
        if after and pick.random() < 0.3:
            when = -2
        return NewJob(
            job_id,
            pick.choice(TASKS),
            pick.choice(QUEUES),
            b"a" * pick.choice([0, 5, 64, 65, 600]),
            pick.randint(0, 2),
            when if when is None else self.now + when * SECOND if when >= 0 else when * SECOND,
            pick.choice([None, NOW, -SECOND if after else NOW]),
            pick.choice([None, '{"a":1}', '{"b":"' + "x" * 70 + '"}']),
            tuple(Edge(name, pick.choice(list(Passing)), pick.choice(list(OnError))) for name in after),
            pick.choice([None, None, "flow-1", "flow-2"]),
            pick.choice(others) if pick.random() < 0.1 else None,
        )

    def news(self, most: int) -> list[NewJob]:
        return [self.new() for _ in range(self.chance.randint(0, most))]

    def some(self, most: int) -> list[str]:
        return [self.chance.choice(self.names) for _ in range(self.chance.randint(0, most))]

    # Verbs

    def enter(self) -> None:
        name = self.chance.choice(["anna", "bert", "carl"])
        pair = self.both(f"enter {name}", lambda s, _: s.workers.enter(card(name), self.now, 10 * SECOND))
        known = [one for one in self.workers if one[0] == pair[0] or one[1] == pair[1]]
        assert known in ([], [pair])
        if not known:
            self.workers.append(pair)

    def add(self) -> None:
        jobs = self.news(5)
        self.same(f"add {jobs}", lambda s, _: s.jobs.add(jobs, self.now))

    def claim(self) -> None:
        pick = self.chance
        worker = pick.choice(self.workers)
        queues = None if pick.random() < 0.5 else tuple(pick.sample(QUEUES, pick.randint(0, 3)))
        excluded = tuple(pick.sample(QUEUES, pick.choice([0, 0, 1])))
        tasks = frozenset(pick.sample(TASKS, 1)) if pick.random() < 0.15 else None
        limit, rates = pick.randint(0, 5), {}
        if pick.random() < 0.2:
            rates = {"shop.mail": Rate(SECOND, pick.randint(1, 2))}
        served = Served(queues, excluded, tasks)
        one, other = self.both(
            f"claim {served} {limit} {rates}", lambda s, n: s.jobs.claim(worker[n], served, limit, self.now, rates)
        )
        assert (one.held, one.next_at) == (other.held, other.next_at), self.log[-12:]
        self.alike(one.jobs, other.jobs)
        self.runs += list(zip(one.jobs, other.jobs, strict=True))

    def finish(self) -> None:
        if not self.runs:
            return
        pick = self.chance
        some = [pick.choice(self.runs[-8:]) for _ in range(pick.randint(1, 3))]
        ends = [self.completion(one) for one in some]
        self.same(f"finish {ends}", lambda s, n: s.jobs.finish([end[n] for end in ends], self.now))

    def completion(self, run: tuple[Job, Job]) -> tuple[Completion, Completion]:
        pick = self.chance
        to = pick.choice([JobState.SUCCEEDED] * 3 + [JobState.FAILED, JobState.CANCELLED, JobState.READY])
        to = pick.choice([to, to, to, JobState.SCHEDULED])
        more: dict[str, Any] = {
            "run_at": self.now + pick.choice([0, 0, 2]) * SECOND,
            "retries": run[0].retries + pick.randint(0, 1),
            "crashes": run[0].crashes,
            "shown": pick.choice([None, None, "IGNORED"]),
            "follow_ups": tuple(self.news(2)) if pick.random() < 0.3 else (),
        }
        if pick.random() < 0.2:
            more |= {"args": b"b" * pick.choice([3, 700]), "options": pick.choice([None, '{"o":1}'])}
        if pick.random() < 0.2:
            more |= {"queue": pick.choice(QUEUES), "priority": pick.choice([None, 2])}
        if pick.random() < 0.1 and run[0].culprit is None:
            call = self.new(run[0].id)._replace(beside=None)
            to = JobState.WAITING if call.after else JobState.READY
            more |= {"replaced": call, "args": None, "queue": None, "priority": None}
        if run[0].culprit is not None and to in (JobState.READY, JobState.SCHEDULED):
            to = JobState.WAITING
        if pick.random() < 0.05:
            more["run_token"] = 99
        ending = "SUCCESS" if to == JobState.SUCCEEDED else to.name
        kept = pick.random() < 0.8
        result = pick.choice([None, b"", b"r" * 10, b"r" * 100])
        output = pick.choice([None, "said", "s" * 200])
        told = attempt(run[0].attempts, ending=ending, result=result, output=output) if kept else None
        one, other = (done(job, to, **more)._replace(attempt=told) for job in run)
        return one, other

    def cancel(self) -> None:
        ids, signal = self.some(4), self.chance.choice([0, 15])
        self.same(f"cancel {ids} {signal}", lambda s, _: s.jobs.cancel(ids, self.now, signal))

    def requeue(self) -> None:
        ids = self.some(4)
        self.same(f"requeue {ids}", lambda s, _: s.jobs.requeue(ids, self.now))

    def forget(self) -> None:
        ids = self.some(3)
        self.same(f"forget {ids}", lambda s, _: s.jobs.forget(ids))

    def purge(self) -> None:
        queues = None if self.chance.random() < 0.2 else self.chance.sample(QUEUES, 1)
        self.same(f"purge {queues}", lambda s, _: s.jobs.purge(queues))

    def prune(self) -> None:
        before = self.now - self.chance.randint(0, 3) * SECOND
        self.same(f"prune {before - NOW}", lambda s, _: s.jobs.prune(before, 100))

    def note(self) -> None:
        pick = self.chance
        notes = [Note(one, pick.choice([None, "HALF"]), pick.choice([None, b"1"])) for one in self.some(3)]
        self.same(f"note {notes}", lambda s, _: s.jobs.note(notes, self.now))

    def time(self) -> None:
        self.now += self.chance.randint(0, 40) * SECOND // 10
        self.log.append(f"time {self.now - NOW}")

    def orders(self) -> None:
        names = [self.chance.choice(QUEUES)]
        act = self.chance.choice([pause, resume, resume])
        self.same(f"{act.__name__} {names}", lambda s, _: act(s, names))

    def leave(self) -> None:
        worker = self.chance.choice(self.workers)
        self.both("leave", lambda s, n: s.workers.leave([worker[n]], self.now))
        one, other = self.both("lost", lambda s, _: {found.job.id for found in s.workers.lost(100)})
        assert one == other

    def beat(self) -> None:
        worker = self.chance.choice(self.workers)
        some = [self.chance.choice(self.runs[-6:]) for _ in range(2)] if self.runs else []
        one, other = self.both(
            "beat",
            lambda s, n: s.workers.beat(worker[n], {run[n].id: run[n].run_token for run in some}, SECOND, self.now),
        )
        assert one._replace(orphans=()) == other._replace(orphans=())
        assert sorted(job.id for job in one.orphans) == sorted(job.id for job in other.orphans)

    def step(self) -> None:
        verbs = [self.add] * 5 + [self.claim] * 6 + [self.finish] * 7 + [self.cancel, self.requeue, self.requeue]
        verbs += [
            self.forget,
            self.prune,
            self.note,
            self.time,
            self.time,
            self.orders,
            self.leave,
            self.beat,
            self.enter,
        ]
        self.chance.choice([*verbs, self.purge] if self.chance.random() < 0.2 else verbs)()

    # What is there

    def plain(self, job: Job) -> Job:
        """Return a job without what each store chooses by itself."""
        # SQLite takes a job over its limit before it is put back, and so its token goes on.
        return job._replace(key=0, run_token=0, owner=None if job.owner is None else self.worker_of(job.owner))

    def worker_of(self, key: int) -> int:
        return next(number for number, pair in enumerate(self.workers) if key in pair)

    def compare(self) -> None:
        sqlite, redis = self.stores
        held = contents(redis.server)
        assert faults(held) == [], self.log[-8:]
        self.alike(self.all_of(sqlite), list(self.jobs_of(held)))

    def alike(self, ones: list[Job], others: list[Job]) -> None:
        """Hold jobs of SQLite against those of Redis."""
        assert [job.id for job in ones] == [job.id for job in others], self.log[-8:]
        differ = [
            (one.id, field, here, there)
            for one, other in zip(ones, others, strict=True)
            for field, here, there in zip(Job._fields, self.plain(one), self.plain(other), strict=True)
            if here != there
        ]
        assert differ == [], self.log[-8:]

    @staticmethod
    def all_of(store: Any) -> list[Job]:
        found = store.read.find(Filter(), 1000).jobs
        return list(reversed(found))

    def jobs_of(self, held: Any) -> Iterator[Job]:
        def raw(fields: Mapping[str, str]) -> dict[bytes, bytes]:
            return {name.encode(): value.encode("utf-8", "surrogateescape") for name, value in fields.items()}

        payloads = self.stores[1].server
        for job_id, fields in sorted(held.jobs.items(), key=lambda pair: int(pair[1]["k"])):
            payload = payloads.one("GET", payloads.key(f"p:{job_id}")) if "L" in fields else None
            yield job_of(job_id, raw(fields), payload)


@pytest.mark.parametrize("seed", range(24))
def test_redis_does_what_sqlite_does(seed: int) -> None:
    steady = LeaseClock()
    sqlite, redis = SqliteStore(":memory:", steady=steady), RedisStore(redis_server().url(), steady=steady)
    sqlite.open()
    redis.open()
    try:
        twins = Twins(sqlite, redis, random.Random(seed))
        twins.enter()
        for _ in range(STEPS):
            twins.step()
            twins.compare()
    finally:
        sqlite.close()
        redis.close()
