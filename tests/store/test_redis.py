"""A store on Redis of every kind of server: which are refused, and what those who may little, or only look, can do."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from localq.exceptions import StoreBusy, StoreError, StoreForeign, StoreReadOnly, StoreVersion
from localq.model.edges import Edge
from localq.model.job import JobState
from localq.model.tally import FINE_US
from localq.store import check_there, examine, open_reader, open_store, sizes
from localq.store.protocol import Filter, Topic
from tests.store.given import NOW, SECOND, attempt, claimed, done, job, new, news, worker
from tests.store.redis_server import Cluster, RedisServer, Sentinel, free_port, programs, reason, redis_server, whose
from tests.store.together import DEADLINE_S, together

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


@pytest.fixture
def started() -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a server; all end with the test."""
    with ExitStack() as servers:

        def start(*settings: str, path: Path | None = None) -> RedisServer:
            server = RedisServer(*settings, path=path)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def opened() -> Iterator[Callable[[str], Any]]:
    """Return a function that opens a store; all are closed with the test."""
    with ExitStack() as stores:

        def open_it(url: str) -> Any:
            store = open_store(url)
            stores.callback(store.close)
            store.open()
            return store

        yield open_it


def run_a_workflow(store: Any) -> None:
    """Let one job run after another, with bells."""
    with closing(store.bells.hang(Topic.RESULTS)) as bell:
        store.jobs.add([new("a"), new("b", after=(Edge("a"),))], NOW)
        anna = worker(store)
        for name in ("a", "b"):
            (one,) = claimed(store, anna)
            store.jobs.finish([done(one)], NOW)
            assert bell.wait(DEADLINE_S)
            assert bell.drain() == [name]
    assert store.read.get(["b"])["b"].state == 3


# Servers


@pytest.mark.parametrize("path", programs(), ids=whose)
def test_every_server_there_is_runs_jobs(
    path: Path, started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started(path=path)

    run_a_workflow(opened(f"redis://127.0.0.1:{server.port}/1"))

    assert server.say("PUBSUB", "CHANNELS") == []


def test_a_node_of_a_cluster_has_all_keys_in_one_slot(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started("--cluster-enabled", "yes")
    server.say("CLUSTER", "ADDSLOTS", *range(16_384))
    while b"cluster_state:ok" not in bytes(server.say("CLUSTER", "INFO")):  # type: ignore[call-overload]
        pass

    run_a_workflow(opened(f"redis://127.0.0.1:{server.port}"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of three nodes and a replica."""
    with closing(Cluster()) as made:
        yield made


def test_any_node_of_a_cluster_may_be_named_and_prefixes_are_on_several(
    cluster: Cluster, opened: Callable[[str], Any]
) -> None:
    for at, node in enumerate(cluster.owners):
        for prefix in ("a", "b", "c"):
            url = f"redis://127.0.0.1:{node.port}/0?prefix={prefix}{at}"
            run_a_workflow(opened(url))
            assert {one.check: one.level for one in examine(url)[0]}["owner"] == "ok"
            with closing(open_reader(url)) as reader:
                assert sorted(reader.read.get(["a", "b"])) == ["a", "b"]
            assert sizes(url)[0] > 0

    held = [node for node in cluster.owners if node.say("DBSIZE")]
    assert len(held) > 1


def test_sentinels_say_where_the_server_is(started: Callable[..., RedisServer], opened: Callable[[str], Any]) -> None:
    server = started()
    with closing(Sentinel(server)) as sentinel:
        run_a_workflow(opened(sentinel.url(2)))

    assert server.say("EXISTS", "{lq}:fmt") == 0, "it is in database 2"


def test_sentinels_may_want_a_password_of_their_own(
    started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started()
    with closing(Sentinel(server, password="a@b/c%40")) as sentinel:
        run_a_workflow(opened(f"{sentinel.url(2)}&sentinel_password=a%40b%2Fc%2540"))
        with pytest.raises(StoreBusy, match=r"Authentication required.* Add sentinel_password= to the URL"):
            opened(sentinel.url(2))
        with pytest.raises(StoreBusy) as refused:
            opened(f"{sentinel.url(2)}&sentinel_password=wrong-one")
    assert "wrong-one" not in str(refused.value)


def test_a_server_that_sentinels_do_not_know_is_named(started: Callable[..., RedisServer]) -> None:
    with closing(Sentinel(started())) as sentinel:
        url = sentinel.url().replace("master=shop", "master=shoop")
        with pytest.raises(StoreBusy, match="no sentinel knows a server 'shoop' that works; its name there is that of"):
            open_store(url).open()


#: What the page about servers says that a user needs; and one of each kind that it cannot do without.
LEAST = "~{lq}:* resetchannels &{lq}:* +@read +@write +@pubsub -@dangerous +evalsha +script|load +time +select"
NEEDED = ["+@read", "+@write", "+@pubsub", "+evalsha", "+script|load", "+time"]


def test_the_page_says_which_rights_are_tried_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "many-hosts.md").read_text()

    assert f"ACL SETUSER shop on >PASSWORD {LEAST}\n" in page


def given(server: RedisServer, rights: str) -> str:
    """Make a user with rights and nothing else; return a URL with it."""
    server.say("ACL", "SETUSER", "ann", "reset", "on", ">secret", *rights.split())
    return store_url(server, "ann:secret@")


@pytest.mark.parametrize("path", programs(), ids=whose)
def test_a_user_with_least_rights_can_do_all(
    path: Path, started: Callable[..., RedisServer], opened: Callable[[str], Any]
) -> None:
    server = started(path=path)
    url = given(server, LEAST)

    run_a_workflow(opened(url))

    found = {one.check: (one.level, one.what) for one in examine(url)[0]}
    assert found["server"] == ("note", "The server does not say what it is (INFO is forbidden).")
    assert "wrong" not in {level for level, _ in found.values()}
    found = {one.check: (one.level, one.what) for one in examine(given(server, f"{LEAST} +info +config|get"))[0]}
    assert [found[check][0] for check in ("server", "durability")] == ["ok", "warning"]
    with pytest.raises(StoreReadOnly, match="does not allow it"):
        opened(f"{url}?prefix=other")
    with pytest.raises(StoreError, match="lets nobody in") as refused:
        opened(store_url(server, "ann:wrong@"))
    assert "wrong" not in str(refused.value).partition(" lets")[0]


@pytest.mark.parametrize("lacks", NEEDED)
@pytest.mark.parametrize("path", programs(), ids=whose)
def test_a_right_that_is_missing_is_named_before_anything_is_written(
    path: Path, lacks: str, started: Callable[..., RedisServer]
) -> None:
    server = started(path=path)
    store = open_store(given(server, LEAST.replace(f" {lacks}", "")))

    with pytest.raises(StoreReadOnly) as refused:
        store.jobs.add([new("a")], NOW)

    told = str(refused.value).lower()
    commands = {"+@read": "get", "+@write": "set", "+@pubsub": "subscribe"}
    # What a script may not do, Redis 6.2 does not say.
    assert re.search(rf"'?{commands.get(lacks, lacks[1:]).partition('|')[0]}\b", told) or "acl" in told, told
    assert "check the rights (acl) of its user" in told or "(acl setuser); nothing was changed" in told
    assert set(server.say("KEYS", "*")) <= {b"{lq}:fmt"}  # type: ignore[call-overload]
    store.close()


@pytest.mark.parametrize("path", programs(), ids=whose)
@pytest.mark.parametrize(("wrong", "right"), [("~{lq}:*", "~{other}:*"), ("&{lq}:*", "&{other}:*")])
def test_keys_and_channels_that_are_not_allowed_are_told_before_anything_is_written(
    path: Path, wrong: str, right: str, started: Callable[..., RedisServer]
) -> None:
    server = started(path=path)
    store = open_store(given(server, LEAST.replace(wrong, right)))

    with pytest.raises(StoreReadOnly, match=r"Check the rights \(ACL\) of its user|&{lq}:\* \(ACL SETUSER\)"):
        store.jobs.add([new("a")], NOW)

    assert set(server.say("KEYS", "*")) <= {b"{lq}:fmt"}  # type: ignore[call-overload]
    store.close()


def store_url(server: RedisServer, user: str = "") -> str:
    return f"redis://{user}127.0.0.1:{server.port}/0"


# What is refused


def test_a_server_that_removes_jobs_of_its_own_choice_is_refused(started: Callable[..., RedisServer]) -> None:
    server = started("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")

    with pytest.raises(StoreError, match=r"may be jobs\. Set maxmemory-policy noeviction"):
        open_store(server.url()).open()

    server.say("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
    with closing(open_store(server.url())) as store:
        store.open()


@pytest.mark.parametrize(
    ("command", "error", "told"),
    [
        (("SET", "2:0123456789ab"), StoreVersion, "has the format 2, which another version of LocalQ made"),
        (("SET", "something"), StoreForeign, "holds something else"),
        (("SET", "1:not-ours"), StoreForeign, "holds something else"),
        (("LPUSH", "one"), StoreForeign, "holds keys of something else"),
    ],
)
def test_keys_of_others_are_left_alone(command: tuple[str, str], error: type, told: str) -> None:
    server = redis_server()
    url = server.url()
    key = f"{{{url.rpartition('=')[2]}}}:fmt"
    server.say(command[0], key, command[1])
    before = server.say("DUMP", key)

    for _ in range(2):
        with pytest.raises(error, match=told):
            open_store(url).open()

    assert server.say("DUMP", key) == before


def test_a_newer_version_that_takes_the_store_over_is_noticed(opened: Callable[[str], Any]) -> None:
    server = redis_server()
    store = opened(server.url())
    store.jobs.add([new("a")], NOW)

    store.server.one("SET", store.server.key("fmt"), "2:0123456789ab")

    for _ in range(2):
        with pytest.raises(StoreVersion, match="has the format 2"):
            store.jobs.add([new("b")], NOW)
    assert store.server.address.prefix.encode() not in b"".join(
        key
        for key in server.say("KEYS", "*")
        if key.endswith(b"j:b")  # type: ignore[attr-defined]
    )


def test_nobody_listening_is_told_at_once() -> None:
    with pytest.raises(StoreBusy, match=r"redis://127.0.0.1:\d+/0 cannot be reached: .*refused. Check that the server"):
        open_store(f"redis://127.0.0.1:{free_port()}/0").open()


# Who only looks


def test_who_only_looks_makes_and_writes_nothing(opened: Callable[[str], Any]) -> None:
    server = redis_server()
    url = server.url()
    with pytest.raises(StoreError, match=r"There is no store in .* the first job enqueued makes it"):
        check_there(url)
    (owner,) = [one for one in examine(url)[0] if one.check == "owner"]
    assert (owner.level, owner.what.startswith("There is no store in")) == ("note", True)
    store = opened(url)
    store.jobs.add(news("a", "b"), NOW)

    check_there(url)
    with closing(open_reader(url)) as reader:
        assert [one.id for one in reader.read.find(Filter(), 10).jobs] == ["b", "a"]
        assert reader.read.stats() == store.read.stats()
        with pytest.raises(StoreReadOnly, match="open for reading alone"):
            reader.jobs.cancel(["a"], NOW)
    assert 0 < sizes(url)[0] < 100_000
    assert job(store, "a").state == 1


def test_doctor_tells_what_the_server_may_lose(started: Callable[..., RedisServer]) -> None:
    server = started("--appendonly", "yes", "--appendfsync", "everysec")
    with closing(open_store(server.url())) as store:
        store.open()

    def durability() -> tuple[str, str]:
        (found,) = [one for one in examine(server.url())[0] if one.check == "durability"]
        return found.level, found.what

    assert durability() == (
        "note",
        "What is acknowledged survives a crash; a power cut may take the last second of it (appendfsync everysec).",
    )
    server.say("CONFIG", "SET", "appendfsync", "always")
    assert durability()[0] == "ok"
    server.say("CONFIG", "SET", "appendonly", "no")
    level, what = durability()
    assert level == "warning"
    assert "(appendonly no): a crash loses minutes of jobs, or all" in what


# Connections


def test_a_bell_whose_connection_was_cut_rings_once_and_hears_again(opened: Callable[[str], Any]) -> None:
    store = opened(redis_server().url())
    with closing(store.bells.hang(Topic.WORK)) as bell:
        descriptor = bell.fileno()
        for number in store.server.one("CLIENT", "LIST").split(b"\n"):
            if b" sub=2 " in number:
                store.server.one("CLIENT", "KILL", "ID", number.split()[0].removeprefix(b"id="))

        assert bell.wait(DEADLINE_S), "what was said meanwhile is lost"
        bell.drain()
        while not bell.wait(0.1):
            store.bells.ring(Topic.WORK, ["again"])
        heard = bell.drain()
        while "again" not in heard:
            store.bells.ring(Topic.WORK, ["again"])
            bell.wait(0.1)
            heard = bell.drain()
        assert bell.fileno() == descriptor


def test_a_signal_in_the_middle_of_a_verb_may_use_the_store(opened: Callable[[str], Any]) -> None:
    store = opened(redis_server().url())
    added: list[str] = []

    def handler(*_: object) -> None:
        name = f"by-signal-{len(added)}"
        store.jobs.add([new(name)], NOW)
        added.append(name)
        signal.setitimer(signal.ITIMER_REAL, 0.001)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    try:
        number = 0
        while len(added) < 20:
            number += 1
            assert store.jobs.add([new(f"job-{number}")], NOW)[0].id == f"job-{number}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert store.read.get(added).keys() == set(added)
    assert job(store, f"job-{number}").id == f"job-{number}"


def in_a_fork(_: int, url: str) -> list[str]:
    store = open_store(url)
    store.open()
    store.jobs.add([new("before")], NOW)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        store.jobs.add([new("in-the-child")], NOW)
        os.write(writer, b"done")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 4) == b"done"
    store.jobs.add([new("after")], NOW)
    found = [one.id for one in store.read.find(Filter(), 10).jobs]
    store.close()
    return found


def test_a_child_has_a_connection_of_its_own() -> None:
    assert together(1, in_a_fork, redis_server().url()) == [["after", "in-the-child", "before"]]


def test_a_job_that_takes_another_task_is_found_by_that_in_the_order_of_adding(opened: Callable[[str], Any]) -> None:
    store = opened(redis_server().url())
    store.jobs.add([new("a", task="one"), *news("b", "c", task="two")], NOW)
    (taken,) = [one for one in claimed(store, worker(store)) if one.id == "a"]
    store.jobs.finish([done(taken, JobState.READY, replaced=new("a", task="two"))], NOW)
    store.jobs.add(news("d", task="two"), NOW)

    def found(*tasks: str) -> list[str]:
        return [one.id for one in store.read.find(Filter(tasks=tasks), 10).jobs]

    assert (found("two"), found("one"), found("one", "two")) == (["d", "c", "b", "a"], [], ["d", "c", "b", "a"])
    (again,) = [one for one in claimed(store, worker(store, "bert")) if one.id == "a"]
    store.jobs.finish([done(again, JobState.READY, replaced=new("a", task="one"))], NOW)
    assert (found("two"), found("one")) == (["d", "c", "b"], ["a"])


def test_many_jobs_that_finish_in_one_minute_are_counted_once_each(opened: Callable[[str], Any]) -> None:
    store = opened(redis_server().url())
    anna = worker(store)
    store.jobs.add(news(*(f"job-{number}" for number in range(5000))), NOW)
    while jobs := claimed(store, anna, 1000):
        store.jobs.finish([done(one) for one in jobs], NOW)
    twice = [f"job-{number}" for number in range(0, 5000, 2)]
    assert len(store.jobs.requeue(twice, NOW)) == len(twice)
    while jobs := claimed(store, anna, 1000):
        store.jobs.finish([done(one, attempt=attempt(2)) for one in jobs], NOW)

    (tally,) = store.history.finished(NOW - NOW % FINE_US, NOW + SECOND, FINE_US)

    assert (tally.count, sum(tally.runs.values())) == (5000, 5000)
