"""Every store against `model.Model`: any sequence of verbs leaves both with the same to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from localq.model.edges import Edge, OnError, Passing
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.schedule import FIRED, SKIPPED, Entry, Firing, NewSchedule, ScheduleState
from localq.model.worker import Served
from localq.store.protocol import Filter
from tests.store.given import NOW, SECOND, LeaseClock, attempt, call, card, done, newly, pause, resume
from tests.store.model import PROVISIONAL, Model, Worker
from tests.store.timed_model import TimedModel

QUEUES = ["fast", "slow", "rare"]
ids = st.sampled_from([f"job-{number}" for number in range(8)])
some_ids = st.lists(ids, max_size=4)
queues = st.none() | st.lists(st.sampled_from([*QUEUES, "unknown"]), max_size=3)
sizes = st.sampled_from([0, 5, 512, 513, 2000])
names = st.sampled_from(["mail", "pack", "bill"])
sources = st.sampled_from(["config:a", "config:a", "run-time"])
moments = st.none() | st.integers(-2, 4)


@st.composite
def new_jobs(draw: st.DrawFn, now: int, job_id: str | None = None) -> NewJob:
    when = draw(moments)
    job_id = draw(ids) if job_id is None else job_id
    # Only later ids wait for earlier ones: no plan makes a circle.
    earlier = ids.filter(lambda one: one < job_id)
    awaited = draw(st.lists(earlier, max_size=3, unique=True)) if job_id > "job-0" and draw(st.booleans()) else []
    policies = st.sampled_from(OnError)
    after = tuple(Edge(one, draw(st.sampled_from(Passing)), draw(policies)) for one in awaited)
    return NewJob(
        job_id,
        draw(st.sampled_from(["shop.mail", "shop.pack"])),
        draw(st.sampled_from(QUEUES)),
        b"a" * draw(sizes),
        draw(st.integers(0, 2)),
        None if when is None else now + when * SECOND,
        draw(st.sampled_from([None, NOW])),
        draw(st.sampled_from([None, "{}"])),
        after,
        draw(st.sampled_from([None, None, "flow-1", "flow-2"])),
    )


@st.composite
def definitions(draw: st.DrawFn, now: int, source: str) -> NewSchedule:
    when, jitter = draw(moments), draw(st.integers(0, 1))
    next_at = None if when is None else now + when * SECOND
    due_at = None if next_at is None else next_at + jitter
    rule, spec = draw(st.sampled_from("rs")), draw(st.sampled_from("xxy"))
    return NewSchedule(draw(names), source, spec, rule, now, next_at, due_at)


@st.composite
def entries(draw: st.DrawFn, now: int) -> Entry:
    nominal = now + draw(st.integers(-3, 1)) * SECOND
    if draw(st.integers(0, 3)):
        return Entry(nominal, FIRED, draw(st.sampled_from([None, "by hand"])), draw(ids))
    return Entry(nominal, SKIPPED, "late", None, *draw(st.sampled_from([(None, 1), (nominal + 5, 3)])))


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the model."""

    make_store: Callable[[], Any]
    steady: LeaseClock

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.store = self.make_store()
        self.model = Model()
        self.timed = TimedModel(self.model.add, self.model.cancel)
        self.now = NOW
        #: Every run there was, those over among them: what late workers hold.
        self.runs: list[Job] = []
        self.given_keys: set[int] = set()
        self.register(1, "anna")
        wanted = [NewSchedule("mail", "config:a", "x", "r", NOW, NOW, NOW)]
        self.timed.sync("config:a", wanted, self.now)
        self.store.schedules.sync("config:a", wanted, self.now)
        self.learn_schedule_keys()
        # Of steps drawn alone few add jobs, fewer find one to claim, and then nothing is ever finished.
        self.add_all(data.draw(st.lists(new_jobs(self.now), min_size=1, max_size=5)))
        self.take(1, None, [], data.draw(st.integers(0, 3)))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def some_runs(self, data: st.DataObject, most: int) -> Sequence[Job]:
        return data.draw(st.lists(st.sampled_from(self.runs[-6:]), max_size=most)) if self.runs else []

    def a_worker(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([*self.model.workers, 99]))

    @rule(seconds=st.integers(0, 3))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        self.add_all(data.draw(st.lists(new_jobs(self.now), max_size=4)))

    def add_all(self, batch: list[NewJob]) -> None:
        assert newly(self.store, batch, self.now) == self.model.add(batch, self.now)

        self.learn_keys()

    def learn_keys(self) -> None:
        """Take over the keys the store gave; they must grow with the order of adding."""
        for job_id, job in self.store.read.get(list(self.model.jobs)).items():
            if self.model.jobs[job_id].job.key >= PROVISIONAL:
                self.model.change(job_id, key=job.key)
        keys = [kept.job.key for kept in self.model.jobs.values()]
        assert keys == sorted(set(keys))

    # Claiming and finishing

    @rule(data=st.data(), queues=queues, limit=st.integers(0, 4))
    def claim(self, data: st.DataObject, queues: list[str] | None, limit: int) -> None:
        excluded = data.draw(st.lists(st.sampled_from(QUEUES), max_size=2))
        self.take(self.a_worker(data), queues, excluded, limit)

    @rule(limit=st.integers(1, 4))
    def claim_any(self, limit: int) -> None:
        self.take(next((key for key in self.model.workers if self.model.holds(key)), 99), None, [], limit)

    def take(self, worker: int, queues: list[str] | None, excluded: list[str], limit: int) -> None:
        claim = self.store.jobs.claim(worker, Served(queues, excluded), limit, self.now)

        expected = self.model.claim(worker, queues, excluded, limit, self.now)
        assert ([job.id for job in claim.jobs], claim.next_at, claim.held) == expected
        assert claim.jobs == [self.model.jobs[job.id].job for job in claim.jobs]
        self.runs += claim.jobs

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        batch = [self.a_completion(data, run) for run in (*self.some_runs(data, 2), self.runs[-1])]

        assert self.store.jobs.finish(batch, self.now).applied == self.model.finish(batch, self.now)

        self.learn_keys()

    def a_completion(self, data: st.DataObject, run: Job) -> Completion:
        # A job that cannot run for another's failure never gets to run again: it was claimed to say so.
        least = JobState.SCHEDULED if run.culprit is None else JobState.SUCCEEDED
        state = data.draw(st.sampled_from([one for one in JobState if one >= least and one != JobState.RUNNING]))
        more: dict[str, Any] = {
            "run_at": self.now + data.draw(st.integers(0, 3)) * SECOND,
            "retries": run.retries + data.draw(st.integers(0, 1)),
            "crashes": run.crashes + data.draw(st.integers(0, 1)),
            "shown": data.draw(st.sampled_from([None, None, "IGNORED"])),
            "follow_ups": tuple(data.draw(st.lists(new_jobs(self.now), max_size=2))),
        }
        if data.draw(st.booleans()):
            more["args"] = b"b" * data.draw(sizes)
            more["options"] = data.draw(st.sampled_from([None, '{"other":1}']))
        if data.draw(st.booleans()):
            more["queue"] = data.draw(st.sampled_from([None, *QUEUES]))
            more["priority"] = data.draw(st.sampled_from([None, 0, 2]))
        if data.draw(st.integers(0, 4)) == 0:
            more |= data.draw(st.sampled_from([{"owner": 99}, {"run_token": 7}, {"id": "job-0"}]))
        kept = data.draw(st.booleans())
        ending = "SUCCESS" if state == JobState.SUCCEEDED else state.name
        told = attempt(run.attempts, ending=ending, result=f"run {run.run_token}".encode()) if kept else None
        return done(run, state, attempt=told, **more)

    @rule(data=st.data(), job_ids=some_ids)
    def annotate(self, data: st.DataObject, job_ids: list[str]) -> None:
        shown, meta = st.sampled_from([None, "HALF", "FULL"]), st.sampled_from([None, b"1", b"2"])
        notes = [Note(one, data.draw(shown), data.draw(meta)) for one in job_ids]

        self.store.jobs.note(notes, self.now)
        self.model.annotate(notes)

    # By hand

    @rule(job_ids=some_ids, signal=st.sampled_from([0, 9, 15]))
    def cancel(self, job_ids: list[str], signal: int) -> None:
        assert self.store.jobs.cancel(job_ids, self.now, signal) == self.model.cancel(job_ids, self.now, signal)

    @rule(job_ids=some_ids)
    def requeue(self, job_ids: list[str]) -> None:
        assert self.store.jobs.requeue(job_ids, self.now) == self.model.requeue(job_ids, self.now)

    @rule(job_ids=some_ids)
    def forget(self, job_ids: list[str]) -> None:
        assert self.store.jobs.forget(job_ids) == self.model.forget(job_ids)

    @rule(queues=queues)
    def purge(self, queues: list[str] | None) -> None:
        assert self.store.jobs.purge(queues) == self.model.purge(queues)

    @rule(age=st.integers(0, 5))
    def prune(self, age: int) -> None:
        assert self.store.jobs.prune(self.now - age * SECOND, 100) == self.model.prune(self.now - age * SECOND)

    @rule(names=st.lists(st.sampled_from(QUEUES), max_size=2, unique=True))
    def pause(self, names: list[str]) -> None:
        assert pause(self.store, names) == self.model.pause(names)

    @rule(names=st.lists(st.sampled_from(QUEUES), max_size=2, unique=True))
    def resume(self, names: list[str]) -> None:
        assert resume(self.store, names) == self.model.resume(names)

    # Workers

    @rule(micros=st.integers(0, 4))
    def leases_run(self, micros: int) -> None:
        self.steady.at += micros

    @rule(lease=st.integers(0, 10), name=st.sampled_from(["anna", "bert", "carl"]))
    def register(self, lease: int, name: str) -> None:
        key = self.store.workers.enter(card(name), self.now, lease)

        assert key == self.model.entered(name) or key not in self.model.workers
        self.model.workers[key] = Worker(self.steady.at + lease, name, False, self.now)

    @rule(data=st.data(), lease=st.integers(0, 10))
    def heartbeat(self, data: st.DataObject, lease: int) -> None:
        worker = self.a_worker(data)
        running = {run.id: run.run_token for run in self.some_runs(data, 4)}

        beat = self.store.workers.beat(worker, running, lease, self.now)

        expected = self.model.heartbeat(worker, running, self.steady.at + lease, self.now)
        assert beat._replace(orphans=()) == expected._replace(orphans=())
        assert sorted(beat.orphans, key=lambda job: job.key) == list(expected.orphans)

    @rule(data=st.data())
    def bury(self, data: st.DataObject) -> None:
        worker = self.a_worker(data)

        self.store.workers.leave([worker], self.now)
        self.model.bury([worker], self.now)

    # Schedules

    def learn_schedule_keys(self) -> None:
        """Take over the keys the store gave; none is given twice."""
        for row in self.store.schedules.find():
            mine = self.timed.rows[row.name]
            if mine.key == -1:
                assert row.key not in self.given_keys
                self.given_keys.add(row.key)
                self.timed.rows[row.name] = mine._replace(key=row.key)

    def a_schedule(self, data: st.DataObject) -> tuple[int, int]:
        """Return the key and revision of a schedule, now and then wrong."""
        keys = [(row.key, row.revision) for row in self.timed.rows.values()]
        key, revision = data.draw(st.sampled_from([*keys, *keys, (99, 1)]))
        return key, revision - (data.draw(st.integers(0, 5)) == 0)

    def jobs_of(self, data: st.DataObject, turn: Sequence[Entry]) -> tuple[NewJob, ...]:
        return tuple(data.draw(new_jobs(self.now, one.job_id)) for one in turn if one.job_id is not None)

    @rule(data=st.data(), source=sources)
    def sync(self, data: st.DataObject, source: str) -> None:
        wanted = data.draw(st.lists(definitions(self.now, source), max_size=3, unique_by=lambda new: new.name))

        assert self.store.schedules.sync(source, wanted, self.now) == self.timed.sync(source, wanted, self.now)

        self.learn_schedule_keys()

    @rule(data=st.data(), source=sources, replace=st.booleans())
    def put(self, data: st.DataObject, source: str, replace: bool) -> None:
        new = data.draw(definitions(self.now, source))

        assert self.store.schedules.put(new, self.now, replace=replace) == self.timed.put(new, self.now, replace)

        self.learn_schedule_keys()

    @rule(name=names, state=st.sampled_from(ScheduleState), when=moments, note=st.sampled_from([None, "by anna"]))
    def set_state(self, name: str, state: ScheduleState, when: int | None, note: str | None) -> None:
        at = None if when is None else self.now + when * SECOND

        known = self.store.schedules.set_state(name, state, self.now, at, at, note)

        assert known == self.timed.set_state(name, state, self.now, at, note)

    @rule(name=names)
    def remove(self, name: str) -> None:
        assert self.store.schedules.remove(name) == self.timed.remove(name)

    @precondition(lambda self: self.timed.rows)
    @rule(data=st.data(), count=st.integers(1, 3))
    def fire(self, data: st.DataObject, count: int) -> None:
        firings = [self.a_firing(data) for _ in range(count)]

        assert self.store.schedules.fire(firings, self.now) == self.timed.fire(firings, self.now)

        self.learn_keys()

    def a_firing(self, data: st.DataObject) -> Firing:
        turn = tuple(data.draw(st.lists(entries(self.now), max_size=3)))
        next_at = data.draw(st.sampled_from([None, self.now, self.now + SECOND]))
        return Firing(
            *self.a_schedule(data),
            turn,
            self.jobs_of(data, turn),
            tuple(data.draw(some_ids)),
            next_at,
            next_at,
            data.draw(st.sampled_from([None, None, self.now])),
            data.draw(st.sampled_from([*[ScheduleState.ACTIVE] * 4, ScheduleState.ENDED])),
            sum(one.outcome == FIRED for one in turn),
            sum(one.count for one in turn if one.outcome == SKIPPED),
            data.draw(st.sampled_from([0, 15])),
            data.draw(st.sampled_from([None, "a note"])),
        )

    @precondition(lambda self: self.timed.rows)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        turn = data.draw(st.lists(entries(self.now), max_size=3))
        (key, _), jobs = self.a_schedule(data), self.jobs_of(data, turn)

        assert self.store.schedules.record(key, turn, jobs, self.now) == self.timed.record(key, turn, jobs, self.now)

        self.learn_keys()

    @rule()
    def tend(self) -> None:
        self.store.tend(self.now)

    # What can be seen

    @invariant()
    def jobs_agree(self) -> None:
        expected = [kept.job._replace(args=None) for kept in self.model.newest_first()]
        assert self.store.read.find(Filter(), 1000).jobs == expected
        for job_id, kept in self.model.jobs.items():
            assert call(self.store, job_id) == kept.job

    @invariant()
    def nothing_waits_for_what_can_never_come(self) -> None:
        assert self.store.read.stranded(100) == []

    @invariant()
    def results_agree(self) -> None:
        results = self.store.read.seen(list(self.model.jobs))
        assert results.keys() == self.model.jobs.keys()
        for job_id, (_, last, note) in results.items():
            kept = list(self.model.jobs[job_id].attempts.values())
            assert self.store.read.attempts(job_id) == sorted(kept)
            assert last == (max(kept) if kept and self.model.jobs[job_id].job.attempts else None)
            assert note == self.model.shown_note(job_id)
        said = {job_id: kept.note for job_id, kept in self.model.jobs.items() if kept.note is not None}
        assert self.store.read.notes([*results, "unknown"]) == said

    @invariant()
    def inputs_agree(self) -> None:
        for job_id in self.model.jobs:
            assert self.store.read.inputs([job_id])[job_id].given == self.model.inputs(job_id)

    @invariant()
    def counts_agree(self) -> None:
        assert self.store.read.stats().counts == self.model.stats()
        assert self.store.read.waiting_tasks() == self.model.tasks_waiting()

    @invariant()
    def workers_agree(self) -> None:
        rows = {row.key: (row.card.name, row.declared, row.seen_at, row.state) for row in self.store.workers.all()}
        assert rows == self.model.standing(self.steady.at)
        assert {job.id for job, _ in self.store.workers.lost(100)} == self.model.lost()

    @invariant()
    def schedules_agree(self) -> None:
        assert self.store.schedules.find() == sorted(self.timed.rows.values(), key=lambda row: row.name)
        for name in self.timed.rows:
            assert self.store.schedules.ledger(name, 100) == self.timed.ledger(name)
        for limit in (1, 10):
            assert self.store.schedules.due(self.now, limit) == self.timed.due(self.now, limit)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("examples", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_any_sequence_of_verbs_leaves_the_store_as_the_model_says(
    request: pytest.FixtureRequest, make_store: Callable[[], Any], steady: LeaseClock, examples: int
) -> None:
    class Machine(StoreMachine):
        pass

    Machine.make_store, Machine.steady = staticmethod(make_store), steady

    run_state_machine_as_test(
        Machine,
        settings=settings(
            # Each begins with a store of its own, which costs some stores more.
            max_examples=min(examples, 20) if request.node.callspec.params["make_store"] == "postgresql" else examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
