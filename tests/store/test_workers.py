"""Workers: registering, leases, heartbeats, and finding the jobs of those that are no more."""

from __future__ import annotations

from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.worker import Beat, Lost, WorkerState
from tests.store.given import (
    LEASE,
    NOW,
    SECOND,
    LeaseClock,
    card,
    claimed,
    done,
    job,
    job_in,
    new,
    news,
    snapshot,
    worker,
    worker_of_an_earlier_start,
)

pytestmark = pytest.mark.facets("jobs", "read", "workers")


def lost(store: Any, limit: int = 100) -> list[str]:
    return sorted(one.job.id for one in store.workers.lost(limit))


def states(store: Any) -> list[WorkerState]:
    return [row.state for row in store.workers.all()]


# Registering


@pytest.mark.parametrize("queues", [None, (), ("a", "b")])
def test_a_worker_is_listed_as_it_registered(store: Any, queues: tuple[str, ...] | None) -> None:
    told = card(queues=queues, excluded=("x", "ü"), tasks=())

    key = store.workers.enter(told, NOW, LEASE)

    (row,) = store.workers.all()
    assert (row.key, row.card) == (key, told)
    assert (row.started_at, row.seen_at, row.state, row.declared) == (NOW, NOW, WorkerState.ALIVE, False)


def test_a_name_of_its_own_is_refused_while_another_has_it_that_may_not(store: Any) -> None:
    first = store.workers.enter(card("mail@h"), NOW, LEASE, ())
    mine = card("mail@h")._replace(uuid="mine")

    assert store.workers.enter(mine, NOW, LEASE, ()) == 0
    assert [row.key for row in store.workers.all()] == [first]
    second = store.workers.enter(mine, NOW, LEASE, [first])
    assert second not in (0, first)
    assert store.workers.enter(mine, NOW, LEASE, [first]) == second
    assert store.workers.enter(mine, NOW, LEASE, ()) == 0
    assert store.workers.enter(card("mail-2@h")._replace(uuid="other"), NOW, LEASE, ()) not in (0, first, second)
    assert store.workers.enter(card("mail@h")._replace(uuid="any"), NOW, LEASE) != 0


def test_a_worker_that_enters_twice_is_one_worker(store: Any, steady: LeaseClock) -> None:
    key = worker(store)
    steady.at = LEASE + 1

    again = store.workers.enter(card(concurrency=7), NOW + SECOND, LEASE)

    (row,) = store.workers.all()
    assert (again, row.key) == (key, key)
    assert (row.card.concurrency, row.started_at, row.seen_at, row.state) == (7, NOW, NOW + SECOND, WorkerState.ALIVE)


def test_a_worker_that_was_declared_gone_enters_as_another(store: Any) -> None:
    old = worker(store)
    store.workers.leave([old], NOW)

    assert worker(store) != old
    assert states(store) == [WorkerState.GONE, WorkerState.ALIVE]


def test_a_worker_past_its_lease_is_silent_until_it_beats(store: Any, steady: LeaseClock) -> None:
    key = worker(store)
    steady.at = LEASE
    at_the_end = states(store)
    steady.at = LEASE + 1
    after = states(store)
    store.workers.beat(key, {}, SECOND, NOW)
    steady.at += SECOND

    assert (at_the_end, after) == ([WorkerState.ALIVE], [WorkerState.SILENT])
    assert states(store) == [WorkerState.ALIVE]


def test_a_worker_whose_machine_started_again_is_gone_though_nobody_declared_it(store: Any) -> None:
    worker_of_an_earlier_start(store)

    # Where workers may be on other machines, another start may be that of one of those: the lease says.
    state = WorkerState.GONE if store.workers.neighbours.all_here else WorkerState.ALIVE
    assert [(row.state, row.declared) for row in store.workers.all()] == [(state, False)]


def test_workers_are_listed_oldest_first_the_gone_among_them(store: Any) -> None:
    keys = [worker(store, name) for name in ("anna", "bert", "carl")]

    store.workers.leave([keys[1]], NOW + SECOND)

    rows = store.workers.all()
    assert [row.key for row in rows] == keys
    assert [row.declared for row in rows] == [False, True, False]
    assert states(store) == [WorkerState.ALIVE, WorkerState.GONE, WorkerState.ALIVE]
    assert rows[1].seen_at == NOW + SECOND


def test_a_workers_key_is_never_used_again(store: Any) -> None:
    old = worker(store)
    store.workers.leave([old], NOW)
    store.jobs.prune(NOW + 1, 1)
    assert store.workers.all() == []

    assert worker(store) != old


def test_burying_an_unknown_worker_is_no_error(store: Any) -> None:
    store.workers.leave([], NOW)
    store.workers.leave([4711], NOW)

    assert store.workers.all() == []


# Heartbeats


def test_a_heartbeat_renews_the_lease(store: Any, steady: LeaseClock) -> None:
    one = job_in(store, JobState.RUNNING)

    steady.at = LEASE
    beat = store.workers.beat(one.owner, {one.id: one.run_token}, LEASE, NOW + SECOND)
    steady.at += LEASE

    assert beat == Beat(True, (), {}, ())
    assert (states(store), store.workers.all()[0].seen_at) == ([WorkerState.ALIVE], NOW + SECOND)


@pytest.mark.parametrize("gone", [True, False])
def test_a_worker_that_is_gone_or_unknown_is_told_to_stop_everything(store: Any, gone: bool) -> None:
    one = job_in(store, JobState.RUNNING)
    if gone:
        store.workers.leave([one.owner], NOW)

    beat = store.workers.beat(one.owner if gone else 4711, {one.id: one.run_token, "other": 1}, LEASE, NOW)

    assert beat == Beat(False, (one.id, "other"), {}, ())


def test_a_worker_is_told_what_it_no_longer_runs_by_right(store: Any) -> None:
    anna = worker(store)
    store.jobs.add(news("mine", "finished", "forgotten"), NOW)
    mine, finished, forgotten = claimed(store, anna)
    store.jobs.finish([done(finished), done(forgotten)], NOW)
    store.jobs.forget(["forgotten"])

    beat = store.workers.beat(anna, {one.id: one.run_token for one in (mine, finished, forgotten)}, LEASE, NOW)

    assert beat == Beat(True, ("finished", "forgotten"), {}, ())


def test_a_run_that_another_worker_took_over_is_stopped(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)
    store.jobs.finish([done(one, JobState.READY)], NOW)
    claimed(store, worker(store, "bert"))

    assert store.workers.beat(one.owner, {one.id: one.run_token}, LEASE, NOW).stop == (one.id,)


def test_an_older_run_of_its_own_job_is_stopped_and_the_newer_one_reported(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)
    store.jobs.cancel(["job"], NOW, 9)
    store.jobs.requeue(["job"], NOW)
    store.jobs.finish([done(one, JobState.CANCELLED)], NOW)
    store.jobs.requeue(["job"], NOW)
    (newer,) = claimed(store, one.owner)
    store.jobs.cancel(["job"], NOW, 15)

    beat = store.workers.beat(one.owner, {one.id: one.run_token}, LEASE, NOW)

    assert (beat.stop, beat.cancel) == ((one.id,), {})
    assert [(orphan.id, orphan.run_token) for orphan in beat.orphans] == [("job", newer.run_token)]


def test_jobs_a_worker_does_not_know_come_back_as_orphans(store: Any) -> None:
    anna = worker(store)
    store.jobs.add(news("a", "b", "c"), NOW)
    a, b, c = claimed(store, anna)
    store.jobs.add([new("other")], NOW)
    (other,) = claimed(store, worker(store, "bert"))

    beat = store.workers.beat(anna, {b.id: b.run_token}, LEASE, NOW)

    assert sorted(beat.orphans) == sorted(one._replace(args=None) for one in (a, c))
    assert other.owner != anna


def test_cancel_requests_reach_the_worker_until_the_job_is_over(store: Any) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    anna = worker(store)
    jobs = claimed(store, anna)
    running = {one.id: one.run_token for one in jobs}
    store.jobs.cancel(["a"], NOW)
    store.jobs.cancel(["b"], NOW, 15)

    first, second = (store.workers.beat(anna, running, LEASE, NOW) for _ in range(2))

    assert first == second == Beat(True, (), {"a": 0, "b": 15}, ())
    store.jobs.finish([done(jobs[0], JobState.CANCELLED)], NOW)
    assert store.workers.beat(anna, running, LEASE, NOW) == Beat(True, ("a",), {"b": 15}, ())


# Lost jobs


def test_jobs_of_living_workers_are_not_lost(store: Any) -> None:
    job_in(store, JobState.RUNNING)

    assert lost(store) == []


def test_jobs_of_a_silent_worker_are_not_lost_until_it_is_declared_gone(store: Any, steady: LeaseClock) -> None:
    one = job_in(store, JobState.RUNNING)
    steady.at = LEASE + 1
    silent = lost(store)
    store.workers.leave([one.owner], NOW)

    assert (states(store), silent, lost(store)) == ([WorkerState.GONE], [], ["job"])


def test_jobs_of_a_worker_declared_gone_are_lost(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)

    store.workers.leave([one.owner], NOW)

    assert store.workers.lost(10) == [Lost(one, True)]


def test_jobs_that_went_down_with_their_machine_are_lost_and_nobody_knows_if_they_had_begun(store: Any) -> None:
    store.jobs.add([new()], NOW)
    key = worker_of_an_earlier_start(store)
    claimed(store, key)
    if not store.workers.neighbours.all_here:
        # It may as well be alive on another machine.
        assert store.workers.lost(10) == []
        store.workers.leave([key], NOW)

    assert store.workers.lost(10) == [Lost(job(store), None)]


def test_looking_for_lost_jobs_changes_nothing(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)
    store.workers.leave([one.owner], NOW)
    before = snapshot(store)

    lost(store)

    assert snapshot(store) == before


@pytest.mark.parametrize("was", [state for state in JobState if state != JobState.RUNNING])
def test_only_running_jobs_can_be_lost(store: Any, was: JobState) -> None:
    job_in(store, was)
    store.workers.leave([row.key for row in store.workers.all()], NOW)

    assert lost(store) == []


def test_living_workers_jobs_never_stand_in_front_of_lost_ones(store: Any) -> None:
    living = worker(store, "living")
    store.jobs.add([new(f"job-{i}") for i in range(300)], NOW)
    claimed(store, living, 300)
    store.workers.leave([job_in(store, JobState.RUNNING, "the-lost-one").owner], NOW)

    assert lost(store, limit=1) == ["the-lost-one"]


def test_lost_jobs_come_in_portions(store: Any) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    anna, bert = worker(store), worker(store, "bert")
    jobs = claimed(store, anna, 2) + claimed(store, bert, 2)
    store.workers.leave([anna, bert], NOW)

    first = [one.job for one in store.workers.lost(2)]
    store.jobs.finish([done(one, JobState.FAILED) for one in first], NOW)
    rest = [one.job for one in store.workers.lost(2)]

    assert (len(first), len(rest)) == (2, 1)
    assert sorted(first + rest) == sorted(one._replace(args=None) for one in jobs)


def test_a_lost_job_is_finished_in_its_dead_workers_name(store: Any) -> None:
    store.workers.leave([job_in(store, JobState.RUNNING).owner], NOW)
    ((found, _),) = store.workers.lost(10)

    assert store.jobs.finish([done(found, JobState.READY, crashes=1)], NOW).applied == [True]

    assert lost(store) == []
    assert (job(store).state, job(store).crashes) == (JobState.READY, 1)
