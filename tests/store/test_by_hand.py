"""What a person does to jobs: cancel, requeue, forget, purge; and what upkeep does: prune."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.outcome import Note
from localq.store.protocol import Filter
from tests.store.given import (
    HOUR,
    NOW,
    SECOND,
    call,
    claimed,
    done,
    job,
    job_in,
    new,
    news,
    snapshot,
    state,
    worker,
)

pytestmark = pytest.mark.facets("jobs", "read", "workers")

FINAL = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]
WAITING = [JobState.WAITING, JobState.SCHEDULED, JobState.READY]


def ids(store: Any) -> Sequence[str]:
    return sorted(one.id for one in store.read.find(Filter(), 100).jobs)


# Cancelling


@pytest.mark.parametrize("was", WAITING)
def test_a_job_that_waits_is_cancelled_at_once(store: Any, was: JobState) -> None:
    job_in(store, was)

    assert store.jobs.cancel(["job"], NOW + SECOND) == {"job": was}

    assert (state(store), job(store).finished_at) == (JobState.CANCELLED, NOW + SECOND)
    assert claimed(store, worker(store), queues=["job"], now=NOW + HOUR) == []


def test_a_running_job_is_flagged(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)

    assert store.jobs.cancel(["job"], NOW) == {"job": JobState.RUNNING}

    assert state(store) == JobState.RUNNING
    assert store.workers.beat(one.owner, {one.id: one.run_token}, 0, NOW).cancel == {one.id: 0}


@pytest.mark.parametrize("was", FINAL)
def test_a_finished_job_is_not_cancelled(store: Any, was: JobState) -> None:
    job_in(store, was)
    before = snapshot(store)

    assert store.jobs.cancel(["job"], NOW + SECOND, 15) == {"job": was}

    assert snapshot(store) == before


def test_cancelling_tells_the_state_of_each_known_job_before(store: Any) -> None:
    for was in JobState:
        job_in(store, was, was.name)

    before = store.jobs.cancel([*(was.name for was in JobState), "READY", "unknown"], NOW)

    assert before == {was.name: was for was in JobState}


@pytest.mark.parametrize(
    ("signals", "asked"), [([0], 0), ([15], 15), ([15, 9], 9), ([0, 9], 9), ([9, 0], 9), ([9, 15], 15), ([0, 0], 0)]
)
def test_the_last_signal_asked_for_counts(store: Any, signals: list[int], asked: int) -> None:
    one = job_in(store, JobState.RUNNING)

    for signal in signals:
        store.jobs.cancel(["job"], NOW, signal)

    assert store.workers.beat(one.owner, {one.id: one.run_token}, 0, NOW).cancel == {one.id: asked}


def test_a_cancelled_job_shows_no_state_of_its_own(store: Any) -> None:
    store.jobs.add([new()], NOW)
    store.jobs.note([Note("job", "HALFWAY", None)], NOW)

    store.jobs.cancel(["job"], NOW)

    assert job(store).shown is None


# Requeueing


@pytest.mark.parametrize("was", FINAL)
def test_a_requeued_job_starts_afresh(store: Any, was: JobState) -> None:
    store.jobs.add([new(expires_at=NOW + 1)], NOW)
    (taken,) = claimed(store, worker(store))
    store.jobs.cancel(["job"], NOW)
    store.jobs.finish([done(taken, was, retries=3, crashes=2, shown="IGNORED")], NOW)

    assert store.jobs.requeue(["job"], NOW + HOUR) == ["job"]

    again = job(store)
    assert (again.state, again.run_at, again.finished_at) == (JobState.READY, NOW + HOUR, None)
    assert (again.retries, again.crashes, again.cancel, again.shown, again.expires_at) == (0, 0, 0, None, None)
    (taken,) = claimed(store, worker(store), now=NOW + HOUR)
    assert (taken.attempts, taken.run_token, taken.args) == (2, 2, new().args)
    assert store.jobs.finish([done(taken, JobState.READY)], NOW).applied == [True]
    assert state(store) == JobState.READY


@pytest.mark.parametrize("was", [*WAITING, JobState.RUNNING])
def test_a_job_that_is_not_over_is_not_requeued(store: Any, was: JobState) -> None:
    job_in(store, was)
    before = snapshot(store)

    assert store.jobs.requeue(["job", "unknown"], NOW + HOUR) == []

    assert snapshot(store) == before


def test_a_job_named_twice_is_requeued_once(store: Any) -> None:
    job_in(store, JobState.FAILED)

    assert store.jobs.requeue(["job", "job"], NOW) == ["job"]


def test_a_requeued_job_forgets_what_its_last_run_said(store: Any) -> None:
    store.jobs.add([new()], NOW)
    anna = worker(store)
    (taken,) = claimed(store, anna)
    store.jobs.note([Note("job", "PROGRESS", b"90")], NOW)
    store.jobs.finish([done(taken, JobState.FAILED)], NOW)

    store.jobs.requeue(["job"], NOW)
    claimed(store, anna)

    assert store.read.seen(["job"])["job"][2] is None


# Removing


@pytest.mark.parametrize("was", FINAL)
def test_forgetting_removes_a_finished_job_with_all_it_holds(store: Any, was: JobState) -> None:
    job_in(store, was)
    job_in(store, was, "other")

    assert store.jobs.forget(["job", "unknown", "job"]) == 1

    assert ids(store) == ["other"]
    assert (store.read.attempts("job"), store.read.seen(["job"]), call(store, "job")) == ([], {}, None)
    assert len(store.read.attempts("other")) == (was != JobState.CANCELLED)


@pytest.mark.parametrize("was", [*WAITING, JobState.RUNNING])
def test_a_job_that_is_not_over_is_not_forgotten(store: Any, was: JobState) -> None:
    job_in(store, was)
    before = snapshot(store)

    assert store.jobs.forget(["job"]) == 0

    assert snapshot(store) == before


def test_a_job_in_a_dropped_ones_place_inherits_nothing(store: Any) -> None:
    anna = worker(store)
    store.jobs.add([new("old", args=b"large" * 1000)], NOW)
    (old,) = claimed(store, anna)
    store.jobs.note([Note("old", "SHOWN", b"old note")], NOW)
    store.jobs.finish([done(old)], NOW)
    store.jobs.forget(["old"])

    store.jobs.add([new("fresh", args=b"")], NOW)

    assert store.read.attempts("fresh") == []
    assert call(store, "fresh").args == b""
    claimed(store, anna)
    assert store.read.seen(["fresh"])["fresh"][1:] == (None, None)


@pytest.mark.parametrize(
    ("queues", "left"), [(None, []), (["x"], ["y"]), (["x", "y", "no"], []), ([], ["x", "y"]), (["no"], ["x", "y"])]
)
def test_purging_removes_what_waits_in_the_queues(store: Any, queues: list[str] | None, left: list[str]) -> None:
    for queue in ("x", "y"):
        store.jobs.add([new(f"{queue}-{i}", queue=queue, args=b"x" * 600 * i, run_at=NOW + i) for i in range(3)], NOW)

    assert store.jobs.purge(queues) == 6 - 3 * len(left)

    assert ids(store) == [f"{queue}-{i}" for queue in left for i in range(3)]


def test_purging_leaves_what_runs_or_is_over(store: Any) -> None:
    for was in JobState:
        job_in(store, was, was.name)

    # The one that waits, what it waits for, and two more.
    assert store.jobs.purge(None) == 4

    assert ids(store) == sorted(was.name for was in JobState if was not in WAITING)


def test_purging_removes_thousands(store: Any) -> None:
    store.jobs.add([new(f"job-{i}", run_at=NOW + i % 2) for i in range(2100)], NOW)

    assert store.jobs.purge(None) == 2100

    assert store.read.stats().counts == {}


# Pruning


def test_pruning_removes_what_finished_before_a_time_oldest_first(store: Any) -> None:
    store.jobs.add(news("a", "b", "c", "d"), NOW)
    for age, one in enumerate(claimed(store, worker(store))):
        store.jobs.finish([done(one)], NOW - HOUR * age)

    assert store.jobs.prune(NOW, 2) == 2
    assert ids(store) == ["a", "b"]
    assert store.jobs.prune(NOW, 2) == 1
    assert ids(store) == ["a"]
    assert store.jobs.prune(NOW, 2) == 0
    assert store.jobs.prune(NOW + 1, 2) == 1
    assert store.read.attempts("a") == []


def test_pruning_leaves_what_is_not_over(store: Any) -> None:
    for was in JobState:
        job_in(store, was, was.name)

    assert store.jobs.prune(NOW + HOUR, 100) == 3

    assert ids(store) == ["READY", "RUNNING", "SCHEDULED", "WAITING", "first"]


def test_a_requeued_job_is_not_pruned(store: Any) -> None:
    job_in(store, JobState.FAILED)
    store.jobs.requeue(["job"], NOW)

    assert store.jobs.prune(NOW + HOUR, 100) == 0


def test_pruning_removes_workers_gone_before_a_time_that_hold_no_jobs(store: Any) -> None:
    store.jobs.add([new()], NOW)
    living, gone, recent, holding = (worker(store, name) for name in ("living", "gone", "recent", "holding"))
    (taken,) = claimed(store, holding)
    store.workers.leave([gone, holding], NOW)
    store.workers.leave([gone, holding, recent], NOW + HOUR)

    store.jobs.prune(NOW + 1, 100)

    assert [one.key for one in store.workers.all()] == [living, recent, holding]
    assert [one.job.id for one in store.workers.lost(10)] == ["job"]
    store.jobs.finish([done(taken)], NOW)
    store.jobs.prune(NOW + 1, 100)
    assert [one.key for one in store.workers.all()] == [living, recent]
