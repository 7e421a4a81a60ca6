"""What many writers of a PostgreSQL store owe each other: nothing is skipped, lost or waited for in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from localq.model.edges import Edge
from localq.model.job import JobState
from localq.model.outcome import Completion
from localq.store import open_store
from tests.store.given import NOW, claimed, done, new, news, worker
from tests.store.server import reason, server
from tests.store.together import DEADLINE_S

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

Open = Callable[[], Any]


@pytest.fixture
def url() -> Iterator[str]:
    """Return the URL of a schema that this test has for itself, on a server that soon looks for circles."""
    schema = server().schema()
    yield f"{server().url}&schema={schema}&options=-c%20deadlock_timeout%3D10ms"
    server().give_back(schema)


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    """Return a function that opens the store once more, as another process would."""
    stores: list[Any] = []

    def opened() -> Any:
        stores.append(open_store(url))
        stores[-1].open()
        return stores[-1]

    yield opened
    for one in stores:
        one.close()


@pytest.fixture
def other(url: str, opened: Open) -> Iterator[psycopg.Connection[Any]]:
    """Return a session of somebody else, in a transaction."""
    schema = opened().database.address.schema
    with psycopg.connect(server().url, options=f"-c search_path={schema}") as connection:
        yield connection
        connection.rollback()


def meanwhile(store: Any, act: Callable[[], Any], release: Callable[[], Any]) -> Any:
    """Begin something, release what it waits for as soon as it does, and return what comes of it."""
    pid = store.database.asked("SELECT pg_backend_pid()")
    with ThreadPoolExecutor(1) as thread:
        begun: Future[Any] = thread.submit(act)
        with psycopg.connect(server().url, autocommit=True) as looking:
            until = time.monotonic() + DEADLINE_S
            while not looking.execute(
                "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", (pid,)
            ).fetchall():
                assert time.monotonic() < until
                assert not begun.done(), begun.result()
        release()
        return begun.result(DEADLINE_S)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Begin some things at one moment; return what comes of each."""
    start = threading.Barrier(len(acts))

    def begun(act: Callable[[], Any]) -> Any:
        start.wait(DEADLINE_S)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [one.result(DEADLINE_S) for one in [threads.submit(begun, act) for act in acts]]


def test_eight_that_end_what_others_share_are_in_no_circle(opened: Open) -> None:
    first = opened()
    parts = [f"part-{i}" for i in range(64)]
    bodies = [new(f"body-{b}", after=tuple(Edge(part) for part in parts[b % 3 :])) for b in range(12)]
    first.jobs.add([*news(*parts), *bodies], NOW)
    stores = [opened() for _ in range(8)]
    held = [claimed(store, worker(store, f"w{number}"), 8) for number, store in enumerate(stores)]

    def end(store: Any, batch: list[Completion]) -> list[bool]:
        return [applied for at in (0, 3, 6) for applied in store.jobs.finish(batch[at : at + 3], NOW).applied]

    applied = at_once(
        *[
            lambda store=store, jobs=jobs, turn=turn: end(store, [done(one) for one in jobs[:: (-1) ** turn]])
            for turn, (store, jobs) in enumerate(zip(stores, held, strict=True))
        ]
    )

    assert applied == [[True] * 8] * 8
    assert {one.state for one in first.read.get([body.id for body in bodies]).values()} == {JobState.READY}


def test_two_that_end_the_same_runs_in_another_order_are_both_answered(opened: Open) -> None:
    one, two = opened(), opened()
    ids = [f"job-{i}" for i in range(200)]
    one.jobs.add(news(*ids), NOW)
    runs = [done(job) for job in claimed(one, worker(one), 200)]

    mine, theirs = at_once(lambda: one.jobs.finish(runs, NOW), lambda: two.jobs.finish(runs[::-1], NOW))

    assert [a + b for a, b in zip(mine.applied, theirs.applied[::-1], strict=True)] == [1] * 200


def test_what_is_tied_to_a_job_that_ends_at_this_moment_does_not_wait_for_ever(
    opened: Open, other: psycopg.Connection[Any]
) -> None:
    store = opened()
    store.jobs.add(news("awaited"), NOW)
    other.execute("UPDATE job SET state = %s, finished_at = %s WHERE id = 'awaited'", (int(JobState.SUCCEEDED), NOW))

    meanwhile(store, lambda: store.jobs.add([new("waiter", after=(Edge("awaited"),))], NOW), other.commit)

    assert store.read.get(["waiter"])["waiter"].state == JobState.READY


def test_a_job_that_ends_while_something_is_tied_to_it_lets_that_go(
    opened: Open, other: psycopg.Connection[Any]
) -> None:
    store = opened()
    store.jobs.add(news("awaited"), NOW)
    (run,) = claimed(store, worker(store), 1)
    second = opened()
    with second.within(other) as jobs:
        jobs.add([new("waiter", after=(Edge("awaited"),))], NOW)

    finished = meanwhile(store, lambda: store.jobs.finish([done(run)], NOW), other.commit)

    assert finished.applied == [True]
    assert finished.freed
    assert store.read.get(["waiter"])["waiter"].state == JobState.READY


@pytest.mark.parametrize("state", [JobState.READY, JobState.SCHEDULED])
def test_a_job_is_cancelled_though_its_run_ends_at_this_moment_to_be_tried_again(
    opened: Open, other: psycopg.Connection[Any], state: JobState
) -> None:
    store = opened()
    store.jobs.add(news("job"), NOW)
    claimed(store, worker(store), 1)
    other.execute("UPDATE job SET state = %s, owner = NULL WHERE id = 'job'", (int(state),))

    before = meanwhile(store, lambda: store.jobs.cancel(["job"], NOW), other.commit)

    assert before == {"job": state}
    assert store.read.get(["job"])["job"].state == JobState.CANCELLED


def test_letters_are_read_in_the_order_of_their_places_and_none_is_passed_over(opened: Open) -> None:
    reader, posters = opened(), [opened() for _ in range(4)]
    place = reader.mail.take("anna", None, NOW).place
    posted: list[int] = []

    def post(store: Any, number: int) -> None:
        for turn in range(25):
            key = store.mail.post(
                "ping", "{}", None, wants_reply=False, expires_at=NOW + 1, now=NOW, token=f"{number}-{turn}"
            )
            posted.append(key)

    seen: list[int] = []

    def read() -> None:
        nonlocal place
        until = time.monotonic() + DEADLINE_S
        while len(seen) < 100:
            mail = reader.mail.take("anna", place, NOW)
            seen.extend(letter.key for letter in mail.letters)
            place = mail.place
            assert time.monotonic() < until

    at_once(read, *[lambda store=store, number=number: post(store, number) for number, store in enumerate(posters)])

    assert seen == sorted(posted)


def test_a_workflow_is_pruned_or_run_again_whole(opened: Open) -> None:
    one, two = opened(), opened()
    me = worker(one)
    for turn in range(20):
        names = [f"{turn}-{i}" for i in range(3)]
        one.jobs.add(
            [new(name, workflow=f"flow-{turn}", after=(Edge(before),) if before else ()) for before, name in
             zip(["", *names], names, strict=False)],
            NOW,
        )  # fmt: skip
        while runs := claimed(one, me, 9):
            one.jobs.finish([done(run) for run in runs], NOW)

        removed, again = at_once(
            lambda: one.jobs.prune(NOW + 1, 10), lambda last=names[-1]: two.jobs.requeue([last], NOW)
        )

        there = [names[i] for i in range(3) if one.read.get([names[i]])]
        assert (removed, again, there) in [(3, [], []), (0, [names[-1]], names)]
        one.jobs.purge(None)
        one.jobs.prune(NOW + 1, 10)


def test_what_is_claimed_while_all_that_waits_is_removed_is_not_removed(opened: Open) -> None:
    one, two = opened(), opened()
    me = worker(one)
    for turn in range(10):
        ids = [f"{turn}-{i}" for i in range(300)]
        one.jobs.add(news(*ids), NOW)

        taken, removed = at_once(lambda: claimed(one, me, 150), lambda: two.jobs.purge(None))

        assert len(taken) + removed == 300
        assert {job.id for job in taken} == {name for name in ids if one.read.get([name])}


def test_the_best_are_taken_over_many_queues_whoever_else_takes(opened: Open) -> None:
    stores = [opened() for _ in range(3)]
    for queue in range(6):
        stores[0].jobs.add([new(f"{queue}-{i}", queue=f"q{queue}", priority=i % 10) for i in range(100)], NOW)

    def drain(number: int, store: Any) -> list[tuple[int, str]]:
        me, mine = worker(store, f"w{number}"), []
        while jobs := claimed(store, me, 10):
            mine += [(job.priority, job.id) for job in jobs]
            store.jobs.finish([done(job) for job in jobs], NOW)
        return mine

    taken = at_once(*[lambda number=number, store=store: drain(number, store) for number, store in enumerate(stores)])

    assert sorted(name for mine in taken for _, name in mine) == sorted(
        f"{q}-{i}" for q in range(6) for i in range(100)
    )
    for mine in taken:
        assert [rank for rank, _ in mine] == sorted((rank for rank, _ in mine), reverse=True)
