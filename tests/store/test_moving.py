"""What one store holds, put into another: all of it is there as it was, and goes on as it would have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localq.model.edges import Edge, OnError, Passing
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT, RATE, Order
from localq.model.outcome import Note
from localq.model.tally import FINE_US, Tally
from localq.model.worker import EVERY_QUEUE
from localq.store.protocol import Filter, Held, Portion, SavedGroup, Tied, WholeJob
from tests.store.given import HOUR, NOW, SECOND, attempt, call, claimed, done, job, job_in, new, news, state, worker

S = JobState


def moved(one: Any, other: Any, limit: int = 3) -> int:
    """Put all that one store holds into another, a few at a time; return how much is new there."""
    fresh = 0
    for held in Held:
        last = None
        while (portion := one.moving.take(held, last, limit)).last is not None:
            fresh += other.moving.put(portion, NOW)
            last = portion.last
    return fresh


def whole(store: Any) -> list[Any]:
    """Return all that a store holds, but for its own keys."""
    found: list[Any] = []
    for held in Held:
        portion = store.moving.take(held, None, 1000)
        found += [one._replace(job=one.job._replace(key=0)) for one in portion.jobs]
        found += [*portion.ties, *portion.groups]
    return found


def fail(store: Any, job_id: str, **more: Any) -> None:
    """Let a job of a queue of its own fail."""
    (one,) = [taken for taken in claimed(store, worker(store), queues=[job_id]) if taken.id == job_id]
    store.jobs.finish([done(one, S.FAILED, **more)], NOW)


@pytest.fixture
def other(make_store: Callable[[], Any]) -> Any:
    """Return another empty store."""
    return make_store()


def a_bit_of_everything(store: Any) -> None:
    for wanted in (S.SUCCEEDED, S.FAILED, S.CANCELLED, S.READY, S.SCHEDULED, S.WAITING):
        job_in(store, wanted, f"is-{wanted.name}")
    store.jobs.add([new("long", args=b"x" * 5000, queue="long", options='{"a":1}', expires_at=NOW + HOUR)], NOW)
    ids = ("one", "two", "three")
    chord = [new(one, queue=one, workflow="w") for one in ids]
    listed = tuple(Edge(one, Passing.LISTED, OnError.WAIT) for one in ids)
    store.jobs.add([*chord, new("body", after=listed, workflow="w", run_at=-SECOND)], NOW)
    fail(store, "two", shown="BROKEN", attempt=attempt(1, failure=b"why", result=None, ending="FAILURE"))
    store.jobs.note([Note("one", "HALF", b'{"done":1}')], NOW)
    store.groups.save("group", b"content", NOW - HOUR)


def test_all_that_a_store_holds_is_in_another_as_it_was(store: Any, other: Any) -> None:
    a_bit_of_everything(store)

    moved(store, other)

    assert whole(other) == whole(store)
    assert other.read.stats() == store.read.stats()
    assert other.read.seen(["one", "two"])["one"].note == b'{"done":1}'
    names = [one.id for one in store.read.find(Filter(), 100).jobs]
    assert [one.id for one in other.read.find(Filter(), 100).jobs] == names, "in the order of adding"
    for name in names:
        assert call(other, name)._replace(key=0) == call(store, name)._replace(key=0)
        assert other.read.attempts(name) == store.read.attempts(name)
    assert other.read.family("w")[1] == store.read.family("w")[1]
    assert other.groups.load("group") == b"content"
    assert other.read.waiting_tasks() == store.read.waiting_tasks()


def test_what_is_there_already_is_left_as_it_is(store: Any, other: Any) -> None:
    a_bit_of_everything(store)
    assert moved(store, other) == len(store.read.find(Filter(), 100).jobs) + 1
    fail(other, "one")
    other.groups.save("group", b"other", NOW)
    before = whole(other)

    assert moved(store, other, limit=2) == 0
    assert whole(other) == before


def test_a_portion_is_put_though_some_of_it_is_there(store: Any, other: Any) -> None:
    store.jobs.add(news("a", "b", "c", "d"), NOW)
    other.moving.put(store.moving.take(Held.JOBS, None, 2), NOW)

    assert other.moving.put(store.moving.take(Held.JOBS, None, 10), NOW) == 2
    assert [one.id for one in claimed(other, worker(other))] == ["a", "b", "c", "d"]


def test_what_is_added_later_stands_behind_the_last_place(store: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    last = store.moving.take(Held.JOBS, None, 10).last
    store.jobs.add(news("c"), NOW)

    later = store.moving.take(Held.JOBS, last, 10)

    assert [one.job.id for one in later.jobs] == ["c"]
    assert store.moving.take(Held.JOBS, later.last, 10) == Portion()


def test_moved_jobs_are_claimed_by_priority_and_then_in_the_order_of_adding(store: Any, other: Any) -> None:
    store.jobs.add([new("low", priority=1), new("first", priority=5), new("second", priority=5)], NOW + HOUR)
    store.jobs.add([new("later", run_at=NOW + HOUR), new("due", priority=9, run_at=NOW + SECOND)], NOW)
    moved(store, other)

    assert [one.id for one in claimed(other, worker(other), now=NOW + SECOND)] == ["due", "first", "second", "low"]
    assert other.jobs.claim(worker(other), EVERY_QUEUE, 1, NOW + SECOND).next_at == NOW + HOUR


def test_a_moved_job_that_runs_again_goes_on_counting(store: Any, other: Any) -> None:
    store.jobs.add(news("job"), NOW)
    (one,) = claimed(store, worker(store))
    store.jobs.finish([done(one, S.READY, retries=1, crashes=2)], NOW)
    moved(store, other)

    (again,) = claimed(other, worker(other))

    assert (again.run_token, again.attempts, again.retries, again.crashes) == (2, 2, 1, 2)
    assert other.jobs.finish([done(again)], NOW).applied == [True]
    assert [run.number for run in other.read.attempts("job")] == [1, 2]


def test_a_moved_workflow_goes_on_where_it_was(store: Any, other: Any) -> None:
    ids = [f"head-{number}" for number in range(3)]
    listed = tuple(Edge(one, Passing.LISTED) for one in ids)
    heads = [new(one, queue=one, workflow="w") for one in ids]
    store.jobs.add([*heads, new("body", after=listed, workflow="w", run_at=-SECOND)], NOW)
    (first,) = claimed(store, worker(store), queues=["head-0"])
    store.jobs.finish([done(first, attempt=attempt(1, result=b"0"))], NOW)
    moved(store, other)
    assert (job(other, "body").waits, state(other, "body")) == (2, S.WAITING)

    for number in (1, 2):
        (one,) = claimed(other, worker(other), queues=[f"head-{number}"])
        other.jobs.finish([done(one, attempt=attempt(1, result=b"%d" % number))], NOW + HOUR)

    assert (state(other, "body"), job(other, "body").run_at) == (S.SCHEDULED, NOW + HOUR + SECOND)
    assert [given.result for given in other.read.inputs(["body"])["body"].given] == [b"0", b"1", b"2"]


def test_what_waits_for_a_job_added_after_it_is_moved_with_its_edge(store: Any, other: Any) -> None:
    store.jobs.add([new("part", queue="part", workflow="w"), new("body", after=listed("part"), workflow="w")], NOW)
    store.jobs.add([new("late", queue="late", beside="part", workflow="w")], NOW)
    moved(store, other, limit=1)
    assert job(other, "body").waits == 2

    for name in ("late", "part"):
        (one,) = claimed(other, worker(other), queues=[name])
        other.jobs.finish([done(one)], NOW)

    assert state(other, "body") == S.READY


def listed(*ids: str) -> tuple[Edge, ...]:
    return tuple(Edge(one, Passing.LISTED) for one in ids)


def test_a_moved_job_that_cannot_run_says_because_of_which(store: Any, other: Any) -> None:
    store.jobs.add(
        [new("bad", queue="bad"), new("behind", after=(Edge("bad"),)), new("last", after=(Edge("behind"),))], NOW
    )
    fail(store, "bad")
    moved(store, other, limit=1)
    assert job(other, "behind").culprit == "bad"

    (stuck,) = claimed(other, worker(other), 0)

    assert (stuck.id, stuck.culprit) == ("behind", "bad")
    assert other.read.inputs(["behind"])["behind"].culprit.job.id == "bad"
    other.jobs.finish([done(stuck, S.FAILED)], NOW)
    assert job(other, "last").culprit == "behind"


def test_a_culprit_that_is_gone_stays_one(store: Any, other: Any) -> None:
    store.jobs.add([new("bad", queue="bad"), new("behind", after=(Edge("bad"),), queue="b")], NOW)
    store.jobs.purge(["bad"])
    assert job(store, "behind").culprit == ""

    moved(store, other)

    assert job(other, "behind").culprit == ""
    assert [one.id for one in claimed(other, worker(other), 0)] == ["behind"]


def test_a_failed_workflow_that_was_moved_can_be_run_again(store: Any, other: Any) -> None:
    store.jobs.add([new("bad", queue="bad", workflow="w"), new("behind", after=(Edge("bad"),), workflow="w")], NOW)
    fail(store, "bad")
    (stuck,) = claimed(store, worker(store), 0)
    store.jobs.finish([done(stuck, S.FAILED)], NOW)
    moved(store, other)

    assert other.jobs.requeue(["behind"], NOW) == ["behind", "bad"]
    assert [state(other, one) for one in ("bad", "behind")] == [S.READY, S.WAITING]


def test_jobs_that_wait_for_a_rate_wait_for_it_in_the_other_store(store: Any, other: Any) -> None:
    for one in (store, other):
        one.mail.order([Order(RATE, "shop.mail", "1/h")], NOW)
    store.jobs.add(news("a", "b", "c"), NOW)
    (first,) = claimed(store, worker(store))
    store.jobs.finish([done(first)], NOW)
    assert job(store, "b").run_at == PARKED_AT
    moved(store, other)

    assert [one.id for one in claimed(other, worker(other))] == ["b"]
    assert [one.id for one in claimed(other, worker(other), now=NOW + 2 * HOUR)] == ["c"]


def test_moved_jobs_that_are_over_are_counted_and_pruned(store: Any, other: Any) -> None:
    job_in(store, S.SUCCEEDED, "old")
    moved(store, other)
    told = store.history.finished(NOW - HOUR, NOW + HOUR, FINE_US)

    assert other.history.finished(NOW - HOUR, NOW + HOUR, FINE_US) == told
    assert other.jobs.prune(NOW + 1, 10) == 1
    assert other.history.finished(NOW - HOUR, NOW + HOUR, FINE_US) == told
    assert other.read.get(["old"]) == {}


def test_tallies_are_counted_as_of_jobs_that_are_gone(store: Any) -> None:
    step = NOW - NOW % FINE_US
    one = Tally(step, "shop.mail", "default", int(S.SUCCEEDED), 3, 30, {5: 3}, {6: 2})

    store.moving.put(Portion(tallies=(one,)), NOW)
    store.moving.put(Portion(tallies=(one._replace(at=step - FINE_US), one)), NOW)

    assert store.history.finished(step - HOUR, step + HOUR, FINE_US) == [
        one._replace(at=step - FINE_US),
        one._replace(count=6, run_us=60, runs={5: 6}, waits={6: 4}),
    ]


def test_a_job_that_runs_is_not_put(store: Any, other: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    claimed(store, worker(store), limit=1)
    portion = store.moving.take(Held.JOBS, None, 10)

    with pytest.raises(ValueError, match="job a is RUNNING"):
        other.moving.put(portion, NOW)

    assert other.read.find(Filter(), 10).jobs == []


def test_a_portion_is_put_whole_or_not_at_all(store: Any, other: Any, arm: Callable[[str], None]) -> None:
    a_bit_of_everything(store)
    portion = store.moving.take(Held.JOBS, None, 100)
    arm("move.inside=raise")

    with pytest.raises(RuntimeError):
        other.moving.put(portion, NOW)

    assert whole(other) == []


def test_edges_are_put_once_and_for_jobs_that_are_there(store: Any, other: Any) -> None:
    store.jobs.add([new("a"), new("b", after=listed("a"))], NOW)
    jobs, ties = store.moving.take(Held.JOBS, None, 10), store.moving.take(Held.TIES, None, 10)
    assert [(one.id, [tie.awaited for tie in one.ties], one.culprit) for one in ties.ties] == [("b", ["a"], None)]

    other.moving.put(ties, NOW)
    assert other.moving.take(Held.TIES, None, 10) == Portion()
    other.moving.put(jobs, NOW)
    other.moving.put(ties, NOW)
    other.moving.put(Portion(ties=(Tied("b", (ties.ties[0].ties[0]._replace(position=1),)),)), NOW)

    assert other.moving.take(Held.TIES, None, 10).ties == ties.ties


def test_a_group_that_is_there_stays(store: Any) -> None:
    one = SavedGroup("group", b"content", NOW)

    assert store.moving.put(Portion(groups=(one,)), NOW) == 1
    assert store.moving.put(Portion(groups=(one._replace(content=b"other"),)), NOW) == 0
    assert store.moving.take(Held.GROUPS, None, 10) == Portion(groups=(one,), last="group")


def test_a_job_made_elsewhere_is_put_as_it_is(store: Any) -> None:
    one = Job(
        7, "far", "shop.mail", "q", 3, int(S.CANCELLED), NOW, NOW + 1, 4, None, 2, 1, 1, 9, "SHOWN", NOW - 9, NOW + 2,
        b"[]", '{"a":1}', 0, 0, None, "w",
    )  # fmt: skip
    runs = (attempt(1), attempt(2, output=None, peak_kb=None, started_at=None, failure=b"f", result=None))

    store.moving.put(Portion((WholeJob(one, runs, b"1"),)), NOW)

    (found,) = store.moving.take(Held.JOBS, None, 10).jobs
    assert found._replace(job=found.job._replace(key=7)) == WholeJob(one, runs, b"1")
