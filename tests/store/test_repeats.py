"""Every verb may be called again by who had no answer: what must not be done twice is not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from localq.model.audit import Change
from localq.model.edges import Edge
from localq.model.job import JobState
from localq.model.orders import PAUSE, RATE, Order
from localq.model.outcome import Note
from localq.model.schedule import ScheduleState, SyncOutcome
from localq.model.worker import EVERY_QUEUE
from localq.store.protocol import Filter, Finished, Held, Portion, SavedGroup, Store, Topic
from tests.store.given import HOUR, LEASE, NOW, SECOND, card, claimed, done, job_in, new, news, snapshot, told, worker
from tests.store.timed import CONFIG, defined, fired, job_of, row, there, timetable, turn


class Repeated(NamedTuple):
    """A verb as it is called twice: what it starts from, what it returns, and what it returns then."""

    given: Callable[[Any], Any]
    call: Callable[[Any, Any], Any]
    first: Callable[[Any], bool]
    again: Callable[[Any], bool]


def is_(value: Any) -> Callable[[Any], bool]:
    return lambda found: bool(found == value)


def a_key(found: Any) -> bool:
    """Whether that is a key; that it is the same one shows in the store."""
    return isinstance(found, int)


def nothing(store: Any) -> None:
    """Start from an empty store."""


def running(store: Any) -> Any:
    store.jobs.add([new(), new("next", after=(Edge("job"),))], NOW)
    return claimed(store, worker(store))[0]


def mailed(store: Any) -> int:
    return int(store.mail.post("ping", "{}", None, wants_reply=True, expires_at=NOW + HOUR, now=NOW, token="given"))


def finished(store: Any, one: Any) -> Finished:
    follow_up = new("follow-up", after=(Edge("job"),))
    ends = [done(one, JobState.FAILED, follow_ups=(follow_up,))]
    found: Finished = store.jobs.finish(ends, NOW)
    return found


#: Verbs that write, by the way in which they are to be called twice.
WRITING: dict[str, Repeated] = {
    "jobs.add": Repeated(
        nothing,
        lambda s, _: s.jobs.add([*news("a", "b"), new("c", after=(Edge("a"), Edge("gone")))], NOW),
        lambda found: all(one.new for one in found),
        lambda found: [(one.id, one.new) for one in found] == [("a", False), ("b", False), ("c", False)],
    ),
    "jobs.finish": Repeated(running, finished, lambda f: f.applied == [True], is_(Finished([False]))),
    "jobs.note": Repeated(running, lambda s, _: s.jobs.note([Note("job", "SHOWN", b"1")], NOW), is_(None), is_(None)),
    "jobs.cancel": Repeated(
        running,
        lambda s, _: s.jobs.cancel(["job", "next", "unknown"], NOW, 9),
        is_({"job": JobState.RUNNING, "next": JobState.WAITING}),
        is_({"job": JobState.RUNNING, "next": JobState.CANCELLED}),
    ),
    "jobs.requeue": Repeated(
        lambda s: job_in(s, JobState.FAILED), lambda s, _: s.jobs.requeue(["job"], NOW), is_(["job"]), is_([])
    ),
    "jobs.forget": Repeated(lambda s: job_in(s, JobState.FAILED), lambda s, _: s.jobs.forget(["job"]), is_(1), is_(0)),
    "jobs.purge": Repeated(lambda s: s.jobs.add(news("a", "b"), NOW), lambda s, _: s.jobs.purge(None), is_(2), is_(0)),
    "jobs.prune": Repeated(lambda s: job_in(s, JobState.FAILED), lambda s, _: s.jobs.prune(NOW + 1, 9), is_(1), is_(0)),
    "groups.save": Repeated(nothing, lambda s, _: s.groups.save("group", b"content", NOW), is_(None), is_(None)),
    "workers.enter": Repeated(nothing, lambda s, _: s.workers.enter(card(), NOW, LEASE), a_key, a_key),
    "workers.enter of a name of its own": Repeated(
        nothing, lambda s, _: s.workers.enter(card(), NOW, LEASE, ()), a_key, a_key
    ),
    "workers.beat": Repeated(
        running,
        lambda s, one: s.workers.beat(one.owner, {}, LEASE, NOW),
        lambda beat: [one.id for one in beat.orphans] == ["job"],
        lambda beat: [one.id for one in beat.orphans] == ["job"],
    ),
    "workers.leave": Repeated(running, lambda s, one: s.workers.leave([one.owner], NOW), is_(None), is_(None)),
    "schedules.sync": Repeated(
        lambda s: there(s, defined("old"), defined("theirs", source="app")),
        lambda s, _: s.schedules.sync(CONFIG, [defined(), defined("theirs")], NOW),
        lambda found: [one.outcome for one in found] == [SyncOutcome.ADDED, SyncOutcome.CONFLICT, SyncOutcome.RETIRED],
        lambda found: [one.outcome for one in found] == [SyncOutcome.KEPT, SyncOutcome.CONFLICT],
    ),
    "schedules.put": Repeated(
        lambda s: there(s, defined()),
        lambda s, _: s.schedules.put(defined(rule="every hour"), NOW, replace=True),
        is_(True),
        is_(True),
    ),
    "schedules.put of a new one": Repeated(
        nothing, lambda s, _: s.schedules.put(defined(), NOW, replace=False), is_(True), is_(False)
    ),
    "schedules.set_state": Repeated(
        lambda s: there(s, defined()),
        lambda s, _: s.schedules.set_state("mail", ScheduleState.PAUSED, NOW, NOW, None),
        is_(True),
        is_(True),
    ),
    "schedules.remove": Repeated(
        lambda s: there(s, defined()), lambda s, _: s.schedules.remove("mail"), is_(True), is_(False)
    ),
    "schedules.fire": Repeated(
        lambda s: there(s, defined())[0], lambda s, one: s.schedules.fire([turn(one)], NOW), is_([True]), is_([False])
    ),
    "schedules.record": Repeated(
        lambda s: there(s, defined())[0],
        lambda s, one: s.schedules.record(one.key, [fired("mail", NOW)], [job_of("mail", NOW)], NOW),
        is_([True]),
        is_([False]),
    ),
    "schedules.prune": Repeated(nothing, lambda s, _: s.schedules.prune(NOW, 10), is_(0), is_(0)),
    "history.record": Repeated(
        nothing, lambda s, _: s.history.record([Change("ann", "shell", "retry", "job")], NOW, "a"), is_(None), is_(None)
    ),
    "moving.put": Repeated(
        nothing,
        lambda s, _: s.moving.put(Portion(groups=(SavedGroup("group", b"content", NOW),)), NOW),
        is_(1),
        is_(0),
    ),
    "mail.order": Repeated(
        nothing,
        lambda s, _: s.mail.order([Order(PAUSE, "default", ""), Order(RATE, "shop.mail", "1/s")], NOW),
        lambda found: len(found) == 2,
        is_([]),
    ),
    "mail.post": Repeated(nothing, lambda s, _: mailed(s), a_key, a_key),
    "mail.answer": Repeated(mailed, lambda s, key: s.mail.answer(key, "anna", "1", "a"), is_(None), is_(None)),
}
#: Those that take or make more each time, as they are meant to.
GOING_ON = {"jobs.claim", "bells.hang", "bells.ring", "events.listen", "events.send", "workers.presence"}
#: Those that only look.
LOOKING: dict[str, Callable[[Any, Any], Any]] = {
    "jobs.backlog": lambda s, _: s.jobs.backlog(EVERY_QUEUE, 5),
    "moving.take": lambda s, _: s.moving.take(Held.JOBS, None, 5),
    "groups.load": lambda s, _: s.groups.load("group"),
    "workers.all": lambda s, _: s.workers.all(),
    "workers.lost": lambda s, _: s.workers.lost(5),
    "schedules.find": lambda s, _: s.schedules.find(),
    "schedules.due": lambda s, _: s.schedules.due(NOW, 5),
    "schedules.ledger": lambda s, _: s.schedules.ledger("mail", 5),
    "mail.orders": lambda s, _: s.mail.orders(),
    "mail.ordered_at": lambda s, _: s.mail.ordered_at(PAUSE),
    "mail.take": lambda s, _: s.mail.take("anna", 0, NOW),
    "mail.answers": lambda s, key: s.mail.answers(key),
    "bells.changed": lambda s, _: s.bells.changed(),
    "bells.heard": lambda s, _: s.bells.heard(Topic.RESULTS),
    "events.listened": lambda s, _: s.events.listened(),
    "read.get": lambda s, _: s.read.get(["job"], args=True),
    "read.seen": lambda s, _: s.read.seen(["job"]),
    "read.notes": lambda s, _: s.read.notes(["job"]),
    "read.attempts": lambda s, _: s.read.attempts("job"),
    "read.find": lambda s, _: s.read.find(Filter(), 5),
    "read.starting": lambda s, _: s.read.starting("j", 5),
    "read.family": lambda s, _: s.read.family("job"),
    "read.awaited": lambda s, _: s.read.awaited("next", 5),
    "read.inputs": lambda s, _: s.read.inputs(["next"]),
    "history.finished": lambda s, _: s.history.finished(NOW - HOUR, NOW + HOUR, HOUR),
    "history.changes": lambda s, _: s.history.changes(5),
    "read.ahead": lambda s, _: s.read.ahead("next", 5),
    "read.stranded": lambda s, _: s.read.stranded(5),
    "read.stats": lambda s, _: s.read.stats(),
    "read.waiting_tasks": lambda s, _: s.read.waiting_tasks(),
}


def facets() -> dict[str, type]:
    """Return the protocol of each facet of a store."""
    protocols = {name: one.fget for name, one in vars(Store).items() if isinstance(one, property)}
    hints = {name: inspect.get_annotations(get, eval_str=True)["return"] for name, get in protocols.items()}
    return {name: kind for name, kind in hints.items() if kind not in (str, bool)}


def verbs(protocol: type) -> list[str]:
    return [name for name, one in vars(protocol).items() if inspect.isfunction(one) and not name.startswith("_")]


def test_every_verb_says_what_comes_of_calling_it_again() -> None:
    found = {f"{facet}.{verb}" for facet, protocol in facets().items() for verb in verbs(protocol)}
    silent = [
        f"{facet}.{verb}"
        for facet, protocol in facets().items()
        for verb in verbs(protocol)
        if "Again:" not in str(protocol.__doc__) + str(getattr(protocol, verb).__doc__)
    ]

    assert silent == []
    assert {name.partition(" ")[0] for name in WRITING} | GOING_ON | set(LOOKING) == found


def seen(store: Any) -> list[Any]:
    """Return all that can be seen in a store, but for the numbers that count its changes."""
    entered = [one._replace(seen_at=0) for one in store.workers.all()]
    jobs, (schedules, ledgers) = snapshot(store), timetable(store)
    kept = [one._replace(revision=0) for one in schedules]
    mail = store.mail.take("anna", 0, NOW)
    told = [store.groups.load("group"), store.mail.orders(), mail, store.mail.answers(1), store.history.changes(100)]
    return [jobs, kept, ledgers, entered, *told]


@pytest.mark.parametrize("verb", WRITING)
def test_a_verb_that_is_called_again_writes_nothing_more(store: Any, verb: str) -> None:
    given, call, first, again = WRITING[verb]
    start = given(store)

    assert first(call(store, start))
    after = seen(store)

    assert again(call(store, start))
    assert seen(store) == after


@pytest.mark.parametrize("verb", LOOKING)
def test_a_verb_that_looks_can_look_again(store: Any, verb: str) -> None:
    running(store)
    there(store, defined())
    key = mailed(store)
    told(store)
    LOOKING[verb](store, key)
    before = seen(store)

    assert LOOKING[verb](store, key) == LOOKING[verb](store, key)

    assert seen(store) == before


def test_a_claim_whose_answer_was_lost_comes_back_with_the_heartbeat(store: Any) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    anna = worker(store)
    claimed(store, anna, 2)

    again = claimed(store, anna, 2)

    assert [one.id for one in again] == ["c"]
    beat = store.workers.beat(anna, {one.id: one.run_token for one in again}, LEASE, NOW)
    assert [one.id for one in beat.orphans] == ["a", "b"]


def test_a_bell_that_was_hung_twice_rings_twice_and_no_ring_is_too_many(store: Any) -> None:
    one, other = store.bells.hang(Topic.WORK), store.bells.hang(Topic.WORK)

    store.bells.ring(Topic.WORK)
    store.bells.ring(Topic.WORK)

    assert one.wait(SECOND / 1e6)
    assert other.wait(SECOND / 1e6)
    one.close()
    other.close()


def test_who_listens_to_events_may_receive_one_twice(store: Any) -> None:
    one, other = store.events.listen(), store.events.listen()

    store.events.send(b"event")
    store.events.send(b"event")

    told(store)
    assert (one.receive(), other.receive()) == ([b"event"] * 2, [b"event"] * 2)
    one.close()
    other.close()


def test_a_worker_may_make_another_proof_that_it_lives(store: Any) -> None:
    if not store.shared:
        assert store.workers.presence(1) is None
        return
    one, other = store.workers.presence(1), store.workers.presence(1)

    assert one.uuid != other.uuid
    one.close()
    other.close()


def test_a_state_set_twice_is_the_same_and_refuses_what_was_computed_between(store: Any) -> None:
    (before,) = there(store, defined())
    store.schedules.set_state("mail", ScheduleState.ACTIVE, NOW, NOW, NOW)
    computed = turn(row(store))

    store.schedules.set_state("mail", ScheduleState.ACTIVE, NOW, NOW, NOW)

    assert store.schedules.fire([computed], NOW) == [False]
    assert row(store)._replace(revision=0, changed_at=0) == before._replace(revision=0, changed_at=0)
