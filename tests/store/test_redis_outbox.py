"""The outbox: jobs enqueued while the server is away are sent once it is back, each once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq.exceptions import StoreFull
from localq.model.edges import Edge, OnError, Passing
from localq.model.job import JobState
from localq.monitor.health import examine
from localq.store import open_store
from localq.store.wishes import Wishes
from tests.store.given import HOUR, NOW, call, claimed, done, new, news, state, worker
from tests.store.redis_server import RedisServer, reason
from tests.worker.waiting import DEADLINE_S

if reason() is None:
    from localq.store.redis.outbox import Outbox, waiting

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a server that keeps what it acknowledged."""
    started = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    yield started
    started.stop()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Return a function that makes a store with an outbox; all are closed with the test."""
    stores: list[Any] = []

    def make(url: str) -> Any:
        stores.append(open_store(url, wishes=Wishes(outbox=str(tmp_path / "outbox.db"))))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def emptied(path: Path) -> None:
    """Wait until nothing waits in an outbox."""
    until = time.monotonic() + DEADLINE_S
    while waiting(str(path)).calls:
        assert time.monotonic() < until, waiting(str(path))
        time.sleep(0.02)


def test_jobs_enqueued_while_the_server_is_away_are_there_once_it_is_back(
    server: RedisServer, opened: Callable[[str], Any], tmp_path: Path
) -> None:
    store = opened(server.url())
    store.jobs.add([new("before")], NOW)
    server.kill()
    edge = Edge("first", Passing.LISTED, OnError.SKIP)
    large = new("large", args=b"\0\xff" * 5000, options='{"a":1}', priority=3, run_at=NOW + HOUR, expires_at=NOW + 1)

    assert [one.new for one in store.jobs.add([new("first"), new("second", after=(edge,), workflow="w")], NOW)] == [
        True,
        True,
    ]
    store.jobs.add([large], NOW + 5)
    path = str(tmp_path / "outbox.db")
    assert waiting(path) == (2, NOW)
    (told,) = [one for one in examine(server.url(), outbox=path) if one.check == "outbox"]
    assert (told.level, told.what.startswith(f"2 calls wait in the outbox {path}, the first for ")) == ("warning", True)
    server.start()
    emptied(tmp_path / "outbox.db")

    assert [state(store, one) for one in ("before", "first", "second", "large")] == [
        JobState.READY,
        JobState.READY,
        JobState.WAITING,
        JobState.SCHEDULED,
    ]
    kept = call(store, "large")
    assert kept is not None
    assert (kept.args, kept.options, kept.priority, kept.run_at, kept.created_at) == (
        large.args,
        large.options,
        3,
        NOW + HOUR,
        NOW + 5,
    )


def test_what_was_enqueued_first_is_there_first(
    server: RedisServer, opened: Callable[[str], Any], tmp_path: Path
) -> None:
    store = opened(server.url())
    store.jobs.add([new("0")], NOW)
    server.kill()
    store.jobs.add([new("1")], NOW)
    server.start()
    names = [str(number) for number in range(2, 60)]
    for name in names:
        store.jobs.add([new(name)], NOW)
    emptied(tmp_path / "outbox.db")

    assert [one.id for one in claimed(store, worker(store))] == ["0", "1", *names]


def test_a_row_is_sent_once_though_its_job_has_run_and_was_forgotten(server: RedisServer, tmp_path: Path) -> None:
    store = open_store(server.url())
    answers = iter([True])

    def send(jobs: Any, now: int, sender: str, number: int) -> Any:
        found = store.jobs._add_once(jobs, now, sender, number)
        if next(answers, False):
            (one,) = claimed(store, worker(store))
            store.jobs.finish([done(one)], NOW)
            store.jobs.forget(["job"])
            raise ConnectionResetError("the answer was lost")
        return found

    outbox = Outbox(str(tmp_path / "outbox.db"), send)
    outbox._keep([new()], NOW)
    outbox.look()
    emptied(tmp_path / "outbox.db")
    outbox.close()

    assert store.read.get(["job"]) == {}
    store.close()


def test_what_another_process_left_is_sent_by_who_opens_next(
    server: RedisServer, opened: Callable[[str], Any], tmp_path: Path
) -> None:
    url = server.url()
    server.kill()

    def enqueue() -> None:
        store = opened(url)
        store.jobs.add([new("left")], NOW)
        store.jobs.add(news("also", "this"), NOW)
        os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=enqueue)
    child.start()
    child.join(DEADLINE_S)
    assert waiting(str(tmp_path / "outbox.db")).calls == 2
    server.start()

    store = opened(url)
    store.open()
    emptied(tmp_path / "outbox.db")

    assert set(store.read.get(["left", "also", "this"])) == {"left", "also", "this"}


def test_an_outbox_that_cannot_be_written_is_an_error(server: RedisServer, tmp_path: Path) -> None:
    store = open_store(server.url(), wishes=Wishes(outbox=str(tmp_path / "missing" / "outbox.db")))
    server.kill()

    with pytest.raises(StoreFull, match=r"the outbox .*missing.* cannot be written: .* Nothing was enqueued"):
        store.jobs.add([new()], NOW)

    store.close()


def test_a_server_that_is_there_needs_no_file(
    server: RedisServer, opened: Callable[[str], Any], tmp_path: Path
) -> None:
    store = opened(server.url())

    assert [one.new for one in (*store.jobs.add([new()], NOW), *store.jobs.add([new()], NOW))] == [True, False]

    assert not (tmp_path / "outbox.db").exists()
