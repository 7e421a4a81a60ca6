"""What a job costs a Redis server: memory, and the time of which all others have to wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.worker import EVERY_QUEUE
from tests.store.given import HOUR, LEASE, NOW, attempt, claimed, done, new, worker
from tests.store.redis_server import RedisServer, reason

if reason() is None:
    from localq.store.redis.audit import contents
    from localq.store.redis.store import RedisStore

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

COUNT = 2000


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a server of its own: all it has is looked at."""
    started = RedisServer()
    yield started
    started.stop()


@pytest.fixture
def store(server: RedisServer) -> Iterator[Any]:
    """Return an empty store, the only one on its server."""
    opened = RedisStore(server.url())
    opened.open()
    yield opened
    opened.close()


def finished(store: Any, count: int, args: bytes, result: bytes) -> None:
    """Add jobs as a program does, with usual ids, and end them."""
    ids = [f"0198c000-0000-7000-8000-{number:012d}" for number in range(count)]
    store.jobs.add([new(one, args=args) for one in ids], NOW)
    anna = worker(store, "localq@worker-1.example.com")
    run = attempt(1, worker="localq@worker-1.example.com", result=result, output=None)
    while jobs := claimed(store, anna, 500):
        store.jobs.finish([done(one, attempt=run) for one in jobs], NOW + 1)


def used(store: Any) -> int:
    """Return what all keys take, as the server weighs them; what it needs for itself is not counted."""
    keys = store.server.one("KEYS", "*")
    return sum(store.server.ask(*(("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys)))


@pytest.mark.parametrize(
    ("args", "result", "most"),
    [(b"[[],{}]", b"null", 450), (b"a" * 186, b"r" * 40, 750), (b"a" * 186, b"r" * 300, 1250)],
)
def test_a_finished_job_takes_little_memory(store: Any, args: bytes, result: bytes, most: int) -> None:
    finished(store, COUNT, args, result)

    encodings = {
        store.server.one("OBJECT", "ENCODING", store.server.key(f"j:{one}")) for one in contents(store.server).jobs
    }
    assert encodings <= {b"ziplist", b"listpack"}
    assert used(store) / COUNT <= most


def test_a_job_of_twenty_attempts_stays_compact(store: Any) -> None:
    store.jobs.add([new("job", args=b"[[1],{}]")], NOW)
    anna = worker(store)
    for number in range(1, 31):
        (one,) = claimed(store, anna)
        run = attempt(number, ending="RETRY", result=b"r" * number, failure=b"f" * 100)
        store.jobs.finish([done(one, JobState.READY, attempt=run)], NOW)

    assert store.server.one("OBJECT", "ENCODING", store.server.key("j:job")) in (b"ziplist", b"listpack")
    assert [one.number for one in store.read.attempts("job")] == list(range(1, 31))
    assert store.read.attempts("job")[4] == attempt(5, ending="RETRY", result=b"r" * 5, failure=b"f" * 100)


def test_what_was_pruned_leaves_nothing_behind(store: Any) -> None:
    anna = worker(store)
    store.workers.beat(anna, {}, LEASE, NOW)
    before = {name.partition(":")[0] for held in contents(store.server) for name in held}
    finished(store, 600, b"a" * 100, b"r" * 100)
    while store.jobs.prune(NOW + HOUR, 500):
        pass

    left = {name.partition(":")[0] for held in contents(store.server) for name in held}
    # Counters, names of queues and workers, and what is remembered of jobs that are gone.
    assert left - before == {"k", "q", "nm", "T", "Ts"}
    assert store.jobs.backlog(EVERY_QUEUE, 5) == 0
