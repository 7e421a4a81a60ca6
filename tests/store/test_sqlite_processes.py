"""A SQLite file under many hands: processes, threads, forks, kills and foreign locks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from localq.exceptions import StoreBusy
from localq.model.job import JobState, NewJob
from localq.store.protocol import Topic
from localq.store.sqlite.readonly import ReadOnlyStore
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.files import opened
from tests.store.given import NOW, claimed, done, new, newly, news, worker
from tests.store.together import DEADLINE_S, run_python, shared, together


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


def whole(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


# Processes


def test_fifty_processes_open_a_new_file_at_once(path: Path) -> None:
    said = together(50, children.open_new, path)

    assert said == [("wal", 2)] * 50
    store = SqliteStore(path)
    assert store.read.stats().counts == {("default", JobState.READY): 50}
    store.close()
    assert whole(path)


def test_threads_with_stores_of_their_own_open_a_new_file_at_once(path: Path) -> None:
    start = threading.Barrier(8)

    def add(number: int) -> list[bool]:
        store = SqliteStore(path)
        start.wait(DEADLINE_S)
        new_here = newly(store, [new(f"job-{number}")], NOW)
        store.close()
        return new_here

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(add, range(8))) == [[True]] * 8
    assert whole(path)


def test_every_one_of_eight_writers_gets_on(path: Path) -> None:
    arrived, ready = shared("Value", "i", 0), shared("Barrier", 8)

    newly = together(8, children.add_until_all_have, path, 50, arrived, ready)

    assert min(newly) >= 50
    assert max(newly) < 100 * 50, f"some starved the others: {newly}"
    store = SqliteStore(path)
    assert sum(store.read.stats().counts.values()) == sum(newly)
    store.close()


def test_four_workers_share_the_jobs_and_run_each_once(path: Path) -> None:
    store = SqliteStore(path, "normal")
    ids = [f"job-{i}" for i in range(400)]
    store.jobs.add(news(*ids), NOW)

    finished = together(4, children.drain, path)

    assert sorted(job_id for part in finished for job_id in part) == sorted(ids)
    assert store.read.stats().counts == {("default", JobState.SUCCEEDED): 400}
    store.close()


@pytest.mark.parametrize(
    ("point", "there"), [("enqueue.inside=kill", False), ("enqueue.inside#2=kill", True), ("store.create=kill", False)]
)
def test_a_killed_clients_jobs_are_there_whole_or_not_at_all(path: Path, point: str, there: bool) -> None:
    first = run_python(children.add_one, str(path), LOCALQ_FAULT=point)
    if there:
        assert first.returncode == 0, first.stderr
        first = run_python(children.add_one, str(path), LOCALQ_FAULT="enqueue.inside=kill")

    assert first.returncode == -9
    store = SqliteStore(path)
    assert bool(store.read.get(["job"])) == there
    assert newly(store, [new()], NOW) == [not there]
    store.close()
    assert whole(path)


# Threads


def test_threads_hammering_one_store_lose_nothing(path: Path) -> None:
    store = SqliteStore(path, "normal")
    key = worker(store)
    finished: list[str] = []

    def hammer(number: int) -> None:
        for round_ in range(25):
            store.jobs.add(news(f"a-{number}-{round_}", f"b-{number}-{round_}"), NOW)
            store.read.get([f"a-{number}-{round_}"])
            jobs = claimed(store, key, 2)
            finished.extend(job.id for job in jobs)
            assert all(store.jobs.finish([done(job) for job in jobs], NOW).applied)
            store.bells.ring(Topic.WORK)

    with ThreadPoolExecutor(6) as threads:
        for outcome in [threads.submit(hammer, number) for number in range(6)]:
            outcome.result(DEADLINE_S)

    assert len(finished) == len(set(finished)) == 300
    assert store.read.stats().counts == {("default", JobState.SUCCEEDED): 300}
    store.close()


@pytest.mark.parametrize("call", ["__exit__", "__enter__", "begin", "commit", "rollback", "write_one"])
@pytest.mark.parametrize("batch", [news("a"), news("a", "b")])
@pytest.mark.parametrize("then", [news("after"), news("after", "also")])
def test_an_interrupt_at_any_point_of_a_verb_leaves_the_store_usable(
    path: Path, call: str, batch: list[NewJob], then: list[NewJob]
) -> None:
    store, other = opened(path), opened(path)

    def interrupt(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == call and "localq" in frame.f_code.co_filename:
            sys.setprofile(None)
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        sys.setprofile(interrupt)
        store.jobs.add(batch, NOW)
    sys.setprofile(None)

    with ThreadPoolExecutor(1) as thread:
        added = thread.submit(store.jobs.add, then, NOW).result(DEADLINE_S)
    assert [one.new for one in added] == [True] * len(then)
    assert len(other.read.get([new.id for new in then])) == len(then)
    assert len(other.read.get(["a", "b"])) in {0, len(batch)}
    assert newly(other, [new("theirs")], NOW) == [True]
    store.close()
    other.close()


# Forks


def test_a_forked_child_works_through_its_own_connection(path: Path) -> None:
    assert together(1, children.use_in_a_child, path) == [(0, 4)]

    assert whole(path)


def test_forks_while_another_thread_writes_harm_nobody(path: Path) -> None:
    assert together(1, children.fork_inside_a_transaction, path) == [[0] * 30]

    assert whole(path)


def test_a_child_forked_while_another_thread_loads_a_module_can_load_it(path: Path) -> None:
    assert together(1, children.fork_while_a_module_loads, path) == [0]


def test_a_child_forked_inside_another_threads_transaction_is_told_so_and_does_not_wait(path: Path) -> None:
    assert together(1, children.fork_while_a_transaction_is_held, path) == [[0]]

    assert whole(path)


def test_a_forked_child_that_ends_leaves_the_parents_connection_open(path: Path) -> None:
    ended = run_python(children.leave_a_fork_the_ordinary_way, str(path))

    said = dict(word.split("=") for word in ended.stdout.split())
    assert (ended.returncode, said["code"], said["works"], said["folder"]) == (0, "0", "True", "True"), ended.stderr
    assert set(ended.stderr.splitlines()) <= {f"let go of in {said['parent']}"}
    assert whole(path)


# Foreign locks


@pytest.fixture
def locked(path: Path) -> Any:
    """Return a function that has another process lock the file, and one that has it let go."""
    store = SqliteStore(path)
    store.jobs.add([new()], NOW)
    store.close()
    held, release = shared("Event"), shared("Event")
    with ThreadPoolExecutor(1) as thread:

        def lock(statement: str) -> None:
            thread.submit(together, 1, children.hold_lock, path, held, release, statement)
            assert held.wait(DEADLINE_S)

        yield lock, release.set
        release.set()


VERBS: dict[str, Callable[[SqliteStore], Any]] = {
    "get": lambda store: store.read.get(["job"]).keys(),
    "stats": lambda store: store.read.stats().counts,
    "add one": lambda store: store.jobs.add([new("other")], NOW),
    "add two": lambda store: store.jobs.add(news("other", "another"), NOW),
    "cancel": lambda store: store.jobs.cancel(["job"], NOW),
    "inspect": lambda store: store.database.inspect("user_version"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_foreign_lock_is_waited_for(path: Path, locked: Any, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, release = locked
    store = SqliteStore(path)
    lock("EXCLUSIVE")
    tries: list[float] = []

    def pause(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 3:
            release()

    monkeypatch.setattr(time, "sleep", pause)
    assert VERBS[verb](store)

    assert len(tries) >= 3
    store.close()


def test_a_foreign_lock_is_waited_for_by_those_who_only_look(
    path: Path, locked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, release = locked
    looking = ReadOnlyStore(path)
    lock("EXCLUSIVE")

    monkeypatch.setattr(time, "sleep", lambda seconds: release())
    assert set(looking.read.get(["job"])) == {"job"}

    looking.close()


@pytest.mark.parametrize("verb", ["add one", "add two", "cancel"])
def test_writing_gives_up_in_time_and_changes_nothing(path: Path, locked: Any, verb: str) -> None:
    lock, release = locked
    store = SqliteStore(path, patience_s=0.05)
    store.open()
    lock("IMMEDIATE")

    with pytest.raises(StoreBusy, match=r"jobs\.db was locked"):
        VERBS[verb](store)

    assert store.read.stats().counts == {("default", JobState.READY): 1}
    store.close()
    release()
    patient = SqliteStore(path)
    assert VERBS[verb](patient)
    patient.close()


@pytest.mark.parametrize("verb", ["get", "stats", "add one", "inspect"])
def test_nothing_is_read_from_a_file_another_keeps_to_itself(path: Path, locked: Any, verb: str) -> None:
    lock, release = locked
    lock("EXCLUSIVE")
    store = SqliteStore(path, patience_s=0.05)

    for _ in range(2):
        with pytest.raises(StoreBusy):
            VERBS[verb](store)

    store.close()
    release()
    patient = SqliteStore(path)
    assert VERBS[verb](patient)
    patient.close()


def test_reading_goes_on_while_another_writes(path: Path, locked: Any) -> None:
    lock, _ = locked
    store = SqliteStore(path)
    store.open()
    lock("IMMEDIATE")

    assert set(store.read.get(["job"])) == {"job"}
    store.close()


def test_a_change_by_another_connection_is_noticed_once(path: Path) -> None:
    mine, theirs = SqliteStore(path), SqliteStore(path)
    mine.bells.changed()
    assert not mine.bells.changed()

    theirs.jobs.add([new()], NOW)
    assert mine.bells.changed()
    assert not mine.bells.changed()

    mine.jobs.add([new("own")], NOW)
    assert not mine.bells.changed()
    assert os.path.exists(path)
    mine.close()
    theirs.close()
