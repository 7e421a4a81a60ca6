"""What a store on Redis keeps when the server, its scripts, connections or memory go while jobs are added and run."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from localq.exceptions import StoreForeign, StoreFull
from localq.model.edges import Edge, Passing
from localq.model.job import JobState
from localq.model.worker import EVERY_QUEUE
from tests.store.given import LEASE, NOW, claimed, done, new, newly, news, state, worker
from tests.store.redis_server import RedisServer, reason

if reason() is None:
    from localq.store.redis.audit import contents, faults
    from localq.store.redis.examine import examine_server
    from localq.store.redis.store import RedisStore
    from tests.store.redis_load import Load, lost

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

#: Longer than a fsync may keep a server from writing what it has acknowledged.
EVERYSEC_S = 3.0


@pytest.fixture
def started() -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a server with settings; all end with the test."""
    with ExitStack() as servers:

        def start(*settings: str) -> RedisServer:
            server = RedisServer(*settings)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def opened() -> Iterator[Callable[[str], Any]]:
    """Return a function that opens a store; all are closed with the test."""
    with ExitStack() as stores:

        def open_store(url: str) -> Any:
            store = RedisStore(url)
            store.open()
            stores.callback(store.close)
            return store

        yield open_store


def audited(store: Any) -> list[str]:
    return faults(contents(store.server))


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    started: Callable[..., RedisServer], opened: Callable[[str], Any], fsync: str
) -> None:
    server = started("--appendonly", "yes", "--appendfsync", fsync)
    url = server.url()
    with Load(url) as load:
        for _ in range(4):
            load.until_more(100)
            server.kill()
            killed = time.monotonic()
            server.start()
            load.until_more(1)
            surely = killed if fsync == "always" else killed - EVERYSEC_S
            assert lost(opened(url), load, surely) == []
    store = opened(url)

    assert load.errors == []
    assert lost(store, load) == [] or fsync != "always"
    assert audited(store) == []


@pytest.mark.parametrize("fault", [("SCRIPT", "FLUSH"), ("CLIENT", "KILL", "TYPE", "normal"), ("CLIENT", "PAUSE", 500)])
def test_scripts_and_connections_that_go_while_jobs_run_cost_nothing(
    started: Callable[..., RedisServer], opened: Callable[[str], Any], fault: tuple[Any, ...]
) -> None:
    server = started()
    url = server.url()
    with Load(url) as load:
        for _ in range(10):
            load.until_more(30)
            server.say(*fault)
    store = opened(url)

    assert load.errors == []
    assert lost(store, load) == []
    assert audited(store) == []


def test_a_full_memory_refuses_jobs_whole_and_lets_those_there_go_on(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    store = opened(server.url())
    store.jobs.add(news("a", "b", "c", "d"), NOW)
    anna = worker(store)
    a, b = claimed(store, anna, 2)
    store.jobs.cancel(["a"], NOW, 15)

    server.say("CONFIG", "SET", "maxmemory", 1)
    for jobs in ([new("one")], news("e", "f"), [new("g", workflow="w", beside="a"), new("large", args=b"x" * 10_000)]):
        with pytest.raises(StoreFull, match="maxmemory"):
            store.jobs.add(jobs, NOW)
    assert store.workers.beat(anna, {"a": a.run_token, "b": b.run_token}, LEASE, NOW).cancel == {"a": 15}
    (c,) = store.jobs.claim(worker(store, "bert"), EVERY_QUEUE, 1, NOW).jobs
    assert store.jobs.finish([done(a), done(b, JobState.FAILED), done(c)], NOW).applied == [True] * 3
    assert store.jobs.cancel(["d"], NOW) == {"d": JobState.READY}
    assert store.jobs.forget(["a"]) == 1
    assert store.jobs.prune(NOW + 1, 2) == 2
    store.workers.leave([anna], NOW)
    server.say("CONFIG", "SET", "maxmemory", 0)

    assert audited(store) == []
    assert newly(store, news("e", "f"), NOW) == [True, True]
    assert store.read.get(["one", "g", "large"]) == {}


def test_a_server_that_was_emptied_is_another_store(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    store = opened(server.url())
    store.jobs.add([new("a")], NOW)
    key = worker(store)

    server.say("FLUSHALL")
    with pytest.raises(StoreForeign, match="not there any more"):
        store.jobs.claim(key, EVERY_QUEUE, 1, NOW)

    store.jobs.add([new("b")], NOW)
    assert (state(store, "b"), store.read.get(["a"]), audited(store)) == (JobState.READY, {}, [])


def test_a_cut_log_has_each_verb_whole_or_not_at_all(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started("--appendonly", "yes", "--aof-use-rdb-preamble", "no")
    url = server.url()
    with Load(url, adders=1, runners=1) as load:
        load.until_more(40)
    server.kill()
    # Late servers have several files, of which the first was there before anything was written.
    logs = [path for path in server.folder.rglob("*.aof*") if path.is_file() and path.suffix != ".manifest"]
    log = max(logs, key=lambda path: path.stat().st_size)
    whole = log.read_bytes()

    for cut in itertools.chain(range(len(whole) // 2, len(whole), len(whole) // 24), [len(whole) - 1]):
        log.write_bytes(whole[:cut])
        server.start()
        store = RedisStore(url)
        assert audited(store) == [], cut
        store.close()
        server.kill()
    server.start()


def test_doctor_tells_of_keys_that_do_not_agree(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    url = server.url()
    store = opened(url)
    store.jobs.add(news("a", "b"), NOW)

    (well,) = [finding for finding in examine_server(url)[0] if finding.check == "keys"]
    store.server.one("ZREM", store.server.key("r:default"), "a")
    (broken,) = [finding for finding in examine_server(url)[0] if finding.check == "keys"]

    assert (well.level, broken.level) == ("ok", "error")
    assert "'r:default' has None of 'a'; it should be 5066549580791809" in broken.what


# More jobs than one script may add


def workflow_of(count: int) -> list[Any]:
    """Return a body that stands before the header it waits for, and jobs that have to do with no other."""
    heads = [f"head-{number}" for number in range(count)]
    body = new("body", after=tuple(Edge(one, Passing.LISTED) for one in heads), workflow="w")
    return [body, *(new(one, workflow="w", args=b"x" * 20) for one in heads), *news("plain", "body")]


def test_many_jobs_are_added_in_parts_that_nobody_waits_long_for(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    store = opened(server.url())
    jobs = workflow_of(3500)

    assert newly(store, jobs, NOW) == [*[True] * 3502, False]
    assert newly(store, jobs, NOW) == [False] * 3503

    assert (state(store, "body"), store.read.get(["body"])["body"].waits) == (JobState.WAITING, 3500)
    assert audited(store) == []
    assert not {name for name in contents(store.server).lists if name.startswith("big:")}
    anna = worker(store)
    while jobs := claimed(store, anna, 1000):
        store.jobs.finish([done(one) for one in jobs], NOW)
    assert state(store, "body") == JobState.SUCCEEDED
    assert audited(store) == []


@pytest.mark.parametrize("at", range(8))
def test_many_jobs_are_there_all_or_not_at_all_wherever_their_client_ends(
    started: Callable[..., RedisServer], opened: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    store = opened(started().url())
    run, calls = store.server.run, itertools.count()

    def some(script: Any, *args: Any) -> Any:
        if next(calls) == at:
            raise KeyboardInterrupt
        return run(script, *args)

    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr(store.server, "run", some)
        store.jobs.add(workflow_of(2500), NOW)
    monkeypatch.setattr(store.server, "clock", lambda now=store.server.clock: now() + 3_000_000)
    store.tend(NOW)

    there = sum(store.read.stats().counts.values())
    assert there == (0 if at <= 3 else 2502)
    assert audited(store) == []
    if there:
        assert store.read.get(["body"])["body"].waits == 2500


def test_many_jobs_are_refused_whole_where_memory_is_full(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    store = opened(server.url())
    server.say("CONFIG", "SET", "maxmemory", 1)

    with pytest.raises(StoreFull, match="maxmemory"):
        store.jobs.add(workflow_of(2500), NOW)

    server.say("CONFIG", "SET", "maxmemory", 0)
    assert store.read.stats().counts == {}
