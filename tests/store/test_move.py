"""All that a store holds, moved into another of every kind: it is there as it was, and goes on there and not here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from localq.model.audit import Change
from localq.model.edges import Edge, Passing
from localq.model.job import JobState
from localq.model.orders import LIMITS, MOVE, PAUSE, RATE, Order
from localq.model.schedule import FIRED, Entry, Firing, ScheduleState
from localq.model.tally import FINE_US
from localq.monitor.moving.brake import FROM, TO, Brake, is_held
from localq.monitor.moving.counts import held
from localq.monitor.moving.move import Move, Report, release
from localq.monitor.moving.refused import MoveRefused, StillRunning
from localq.store.protocol import Filter, Held
from tests.store.given import HOUR, NOW, SECOND, attempt, claimed, done, new, news, state, worker
from tests.store.timed import MINUTE, defined, fired, job_of, row, skipped, there

S = JobState
A = ScheduleState


class Clock:
    """A clock of which each look costs a microsecond, and a wait as long as it may."""

    def __init__(self) -> None:
        self._now, self._steady = itertools.count(NOW + HOUR), itertools.count()

    def now(self) -> int:
        return next(self._now)

    def steady(self) -> float:
        return float(next(self._steady))


def move(source: Any, target: Any, **more: Any) -> Report:
    return Move(source, target, Clock(), more.pop("told", lambda what, count: None), **more).run()


def whole(store: Any) -> list[Any]:
    """Return all that a store holds and would be missed, but for what each store says in its own way."""
    found: list[Any] = []
    for kind in Held:
        portion = store.moving.take(kind, None, 1000)
        found += [one._replace(job=one.job._replace(key=0)) for one in portion.jobs]
        found += [*portion.ties, *portion.groups]
    for one in store.schedules.find():
        own = one._replace(key=0, revision=0, changed_at=0)
        found += [own, *store.schedules.ledger(one.name, 1000)]
    found += [one for one in store.mail.orders() if one.kind != MOVE]
    found += [store.mail.ordered_at(kind) for kind in (PAUSE, RATE, LIMITS)]
    found += [(one.at, one.change) for one in store.history.changes(100)]
    return [*found, store.history.finished(NOW - 100 * HOUR, NOW + HOUR, FINE_US)]


def filled(store: Any) -> None:
    """Give a store some of everything."""
    owner = worker(store)
    store.jobs.add(news("done", "bad", "forgotten", queue="over"), NOW - 2 * HOUR)
    for one in claimed(store, owner, queues=["over"], now=NOW - HOUR):
        to = S.FAILED if one.id == "bad" else S.SUCCEEDED
        run = attempt(1, started_at=NOW - HOUR, ended_at=NOW - HOUR + SECOND)
        store.jobs.finish([done(one, to, attempt=run)], NOW - HOUR + SECOND)
    store.jobs.forget(["forgotten"])
    store.jobs.add([new("late", run_at=NOW + 9 * HOUR), new("low", priority=1), new("high", priority=9)], NOW)
    heads = [new(name, queue=name, workflow="w") for name in ("one", "two")]
    listed = tuple(Edge(name, Passing.LISTED) for name in ("one", "two"))
    store.jobs.add([*heads, new("body", after=listed, workflow="w")], NOW)
    (first,) = claimed(store, owner, queues=["one"])
    store.jobs.finish([done(first)], NOW)
    store.groups.save("group", b"content", NOW)
    store.mail.order([Order(PAUSE, "shut", ""), Order(PAUSE, "low", "")], NOW - HOUR)
    store.mail.order([Order(RATE, "shop.pack", "7/h"), Order(LIMITS, "shop.mail", "[1,2]")], NOW - SECOND)
    store.history.record([Change("ann", "shell", "retry", "job"), Change("bob", "page", "cancel", "x")], NOW, "a")
    store.history.record([Change("ann", "shell", "purge", "q", 3, "why")], NOW + 1, "b")
    scheduled(store)
    store.workers.leave([owner], NOW)


def scheduled(store: Any) -> None:
    """Give a store schedules in every state, with histories."""
    names = ("active", "held", "paused", "ended", "retired", "manual")
    rows = {one.name: one for one in there(store, *(defined(name, spec=f"spec of {name}") for name in names))}
    for name in ("active", "held", "retired"):
        now = row(store, name)
        entries = (skipped(NOW - 9 * MINUTE, until=NOW - 5 * MINUTE, count=5), fired(name, NOW))
        due = NOW + MINUTE
        held_at = NOW + SECOND if name == "held" else None
        turn = Firing(now.key, now.revision, entries, (job_of(name, NOW),), (), due, due + 7, held_at, runs=1, missed=5)
        assert store.schedules.fire([turn], NOW + 3) == [True]
    store.schedules.record(rows["manual"].key, [Entry(NOW - SECOND, FIRED, None, "by-hand")], (), NOW)
    store.schedules.set_state("paused", A.PAUSED, NOW, NOW + MINUTE, NOW + MINUTE, "said")
    store.schedules.set_state("ended", A.ENDED, NOW, None, None)
    wanted = [defined(name, spec=f"spec of {name}") for name in names if name != "retired"]
    store.schedules.sync(rows["active"].source, wanted, NOW)
    assert row(store, "retired").state == A.RETIRED


def test_everything_is_in_the_other_store_as_it_was(pair: tuple[Any, Any]) -> None:
    source, target = pair
    filled(source)
    before = whole(source)

    report = move(source, target)

    assert report.complete
    assert report.compared.source == report.compared.target
    assert whole(target) == before
    assert report.fresh == {"jobs": 11, "groups": 1, "schedules": 6, "orders": 4}
    assert report.compared.source["jobs SUCCESS"] == 2
    assert report.compared.source["instants in ledgers"] == 7
    assert held(target) == held(source)


def test_a_moved_program_goes_on_in_the_other_store_and_not_in_the_one(pair: tuple[Any, Any]) -> None:
    source, target = pair
    filled(source)
    move(source, target)

    assert claimed(source, worker(source), now=NOW + HOUR) == []
    assert source.schedules.due(NOW + HOUR, 10).schedules == []
    assert [one.id for one in claimed(target, worker(target), now=NOW + HOUR)][:1] == ["high"]
    assert {one.name for one in target.schedules.due(NOW + HOUR, 10).schedules} == {"active", "held", "manual"}
    (two,) = [one for one in target.read.find(Filter(states=(S.RUNNING,)), 100).jobs if one.id == "two"]
    target.jobs.finish([done(two)], NOW + HOUR)
    assert state(target, "body") == S.READY


def test_what_is_added_to_a_store_that_was_moved_comes_with_the_next_move(pair: tuple[Any, Any]) -> None:
    source, target = pair
    source.jobs.add(news("a", "b"), NOW)
    there(source, defined())
    move(source, target)
    for one in claimed(target, worker(target)):
        target.jobs.finish([done(one)], NOW)
    target.jobs.forget(["a"])
    source.jobs.add([new("c"), new("d", after=(Edge("c"),), queue="other")], NOW + HOUR)

    report = move(source, target)

    assert report.complete
    assert report.fresh == {"jobs": 2, "groups": 0, "schedules": 0, "orders": 0}
    assert target.read.get(["a"]) == {}, "what was forgotten there does not come again"
    assert state(target, "b") == S.SUCCEEDED
    assert [one.id for one in claimed(target, worker(target))] == ["c"]
    assert row(target).state == A.ACTIVE
    assert claimed(source, worker(source)) == []


class Broken(Exception):
    """What a move is broken off with."""


STEPS = ["jobs", "edges", "schedules", "compared"]


@pytest.mark.parametrize("step", STEPS)
def test_a_move_that_was_broken_off_goes_on(pair: tuple[Any, Any], step: str) -> None:
    source, target = pair
    filled(source)
    before = whole(source)

    def broken(what: str, count: int) -> None:
        if what == step:
            raise Broken

    with pytest.raises(Broken):
        move(source, target, told=broken)
    assert [claimed(one, worker(one), now=NOW + HOUR) for one in pair] == [[], []], "both are stopped"
    assert [one.schedules.due(NOW + HOUR, 10).schedules for one in pair] == [[], []]
    for one in pair:
        one.workers.leave([row.key for row in one.workers.all()], NOW)
    report = move(source, target)

    assert report.complete
    assert whole(target) == before


def test_a_move_that_is_given_up_leaves_both_stores_going(pair: tuple[Any, Any]) -> None:
    source, target = pair
    filled(source)
    before = whole(source)

    def broken(what: str, count: int) -> None:
        if what == "compared":
            raise Broken

    with pytest.raises(Broken):
        move(source, target, told=broken)
    for one in pair:
        release(one, Clock())

    assert whole(source) == before
    assert [Brake(one, Clock()).mark(name) for one in pair for name in (TO, FROM)] == [None] * 4


# The rest is the same for whatever stores, and is tried where the suite runs on one.


@pytest.fixture
def other(make_store: Callable[[], Any]) -> Any:
    return make_store()


def test_what_runs_is_not_moved_and_the_store_goes_on(store: Any, other: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    there(store, defined())
    (one,) = claimed(store, worker(store), limit=1)

    with pytest.raises(StillRunning, match=r"a runs on .* Wait longer with --wait"):
        move(store, other)

    assert other.read.find(Filter(), 10).jobs == []
    assert [one.mail.orders() for one in (store, other)] == [[], []]
    assert row(store).state == A.ACTIVE
    store.jobs.finish([done(one)], NOW)
    assert [one.id for one in claimed(store, worker(store))] == ["b"]


def test_what_runs_is_waited_for(store: Any, other: Any) -> None:
    store.jobs.add(news("a"), NOW)
    (one,) = claimed(store, worker(store))
    looks = itertools.count()

    class Slow(Clock):
        def steady(self) -> float:
            if next(looks) == 3:
                store.jobs.finish([done(one)], NOW)
            return super().steady()

    report = Move(store, other, Slow(), lambda what, count: None, wait_s=1000.0).run()

    assert report.complete
    assert state(other, "a") == S.SUCCEEDED


def test_what_a_dead_worker_left_running_is_told_apart(store: Any, other: Any) -> None:
    store.jobs.add(news("a"), NOW)
    owner = worker(store)
    claimed(store, owner)
    store.workers.leave([owner], NOW)

    with pytest.raises(StillRunning, match="Their worker is gone: start one"):
        move(store, other)


def test_a_queue_that_comes_up_meanwhile_is_stopped_before_its_jobs_are_read(store: Any, other: Any) -> None:
    store.jobs.add(news("a"), NOW)
    added = []

    def told(what: str, count: int) -> None:
        if what == "jobs" and not added:
            added.append(store.jobs.add([new("b", queue="unheard-of")], NOW))

    report = move(store, other, told=told)

    assert report.complete
    assert claimed(store, worker(store)) == []
    assert {one.id for one in claimed(other, worker(other))} == {"a", "b"}


def test_a_job_cancelled_while_it_is_moved_is_cancelled_there(store: Any, other: Any) -> None:
    store.jobs.add(news("a"), NOW)

    def told(what: str, count: int) -> None:
        if what == "jobs":
            store.jobs.cancel(["a"], NOW)

    assert move(store, other, told=told).complete
    assert state(other, "a") == S.CANCELLED


def test_what_differs_at_the_end_is_told_and_both_stay_stopped(store: Any, other: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    other.jobs.add([new("b", task="shop.pack")], NOW)

    report = move(store, other)

    assert (report.complete, report.compared.different) == (False, ["b"])
    assert [claimed(one, worker(one, "w")) for one in (store, other)] == [[], []]


def test_what_the_other_store_has_stays_as_it_is(store: Any, other: Any) -> None:
    other.jobs.add(news("theirs"), NOW - HOUR)
    other.mail.order([Order(RATE, "shop.mail", "1/s")], NOW)
    there(other, defined(rule="every hour"))
    store.jobs.add(news("a"), NOW)
    store.mail.order([Order(RATE, "shop.mail", "2/s")], NOW)
    there(store, defined("new"))

    report = move(store, other)

    assert report.complete
    assert [one.id for one in claimed(other, worker(other), limit=1)] == ["theirs"]
    assert other.mail.orders() == [Order(RATE, "shop.mail", "1/s")]
    assert [one.name for one in other.schedules.find()] == ["mail", "new"]


def test_a_schedule_whose_name_is_taken_is_told_as_different(store: Any, other: Any) -> None:
    there(store, defined())
    there(other, defined(source="theirs"))

    report = move(store, other)

    assert report.compared.different == ["mail"]
    assert row(other).source == "theirs"
    assert not is_held(row(other))


def test_a_store_that_is_worked_on_gets_nothing(store: Any, other: Any) -> None:
    worker(other, "bert")

    with pytest.raises(MoveRefused, match="bert works on"):
        move(store, other)

    assert [one.mail.orders() for one in (store, other)] == [[], []]


def test_a_store_is_not_moved_into_itself(store: Any) -> None:
    with pytest.raises(MoveRefused, match="one and the same store"):
        move(store, store)

    assert store.mail.orders() == []


def test_two_moves_do_not_mix(store: Any, other: Any, make_store: Callable[[], Any]) -> None:
    third = make_store()

    class Named:
        """The same store by another name."""

        def __init__(self, kept: Any, name: str) -> None:
            self._kept, self.name = kept, name

        def __getattr__(self, name: str) -> Any:
            return getattr(self._kept, name)

    one, two, three = Named(store, "one"), Named(other, "two"), Named(third, "three")
    with pytest.raises(Broken):
        move(one, two, told=broken_off(store))

    with pytest.raises(MoveRefused, match="one is just being moved to two"):
        move(one, three)
    with pytest.raises(MoveRefused, match="two is just being filled from one"):
        move(three, two)
    with pytest.raises(MoveRefused, match="two is just being filled from one"):
        move(two, three)
    assert third.mail.orders() == []
    assert move(one, two).complete


def broken_off(store: Any) -> Callable[[str, int], None]:
    store.jobs.add(news("a"), NOW)

    def told(what: str, count: int) -> None:
        raise Broken

    return told


def test_counts_of_jobs_that_are_gone_are_moved_once(store: Any, other: Any) -> None:
    filled(store)
    told = store.history.finished(NOW - 100 * HOUR, NOW + HOUR, FINE_US)
    assert sum(one.count for one in told) == 4

    move(store, other)
    move(store, other)

    assert other.history.finished(NOW - 100 * HOUR, NOW + HOUR, FINE_US) == told


def test_a_store_let_go_after_its_move_runs_its_jobs_again(store: Any, other: Any) -> None:
    store.jobs.add(news("a"), NOW)
    move(store, other)

    mark = release(store, Clock())

    assert mark is not None
    assert mark.done
    assert [one.id for one in claimed(store, worker(store))] == ["a"]
