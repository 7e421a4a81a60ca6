"""What a store on a server owes beyond what all do: lost connections, several writers, and whose schema it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from localq.exceptions import ImproperlyConfigured, StoreBusy, StoreError, StoreForeign, StoreVersion
from localq.model.edges import Edge
from localq.model.job import Job, JobState
from localq.model.worker import Served, WorkerState
from localq.store import check_there, examine, open_reader, open_store, sizes
from localq.store.postgresql import examine as examination
from localq.store.protocol import Topic
from localq.store.sql.layout import SCHEMA_VERSION
from tests.store.given import LEASE, NOW, card, claimed, done, new, news, worker
from tests.store.server import reason, server
from tests.store.together import DEADLINE_S

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

Open = Callable[..., Any]


@pytest.fixture
def url() -> Iterator[str]:
    """Return the URL of a schema that this test has for itself."""
    schema = server().schema()
    yield f"{server().url}&schema={schema}"
    server().give_back(schema)


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    """Return a function that opens the store once more, as another process would."""
    stores: list[Any] = []

    def opened(**more: Any) -> Any:
        stores.append(open_store(url, **more))
        stores[-1].open()
        return stores[-1]

    yield opened
    for one in stores:
        one.close()


def cut(store: Any) -> None:
    """End the store's own connection on the server's side, and wait until it is gone."""
    ended = "SELECT pg_terminate_backend($1::int, 10000)"
    pid = store.database.asked("SELECT pg_backend_pid()")
    other = open_store(f"{server().url}&schema=cutting")
    assert other.database.asked(ended, (pid,))
    other.close()


# Lost connections


def test_a_verb_after_a_lost_connection_makes_another(opened: Open) -> None:
    store = opened()
    store.jobs.add([new("a")], NOW)
    cut(store)
    assert store.jobs.add([new("b")], NOW) == [("b", True)]
    cut(store)
    assert store.jobs.add(news("c", "d"), NOW) == [("c", True), ("d", True)]
    cut(store)
    assert sorted(store.read.get(["a", "b", "c", "d"])) == ["a", "b", "c", "d"]


def test_a_connection_lost_within_a_verb_changes_nothing_and_is_said(opened: Open) -> None:
    store = opened()
    store.jobs.add([new("a")], NOW)

    def lose_it() -> None:
        with store.database.writing as cursor:
            cursor.execute("DELETE FROM job")
            cut(store)
            cursor.execute("DELETE FROM job")

    with pytest.raises(StoreBusy, match=r"cannot be reached: .* try again"):
        lose_it()

    assert list(store.read.get(["a"])) == ["a"]


def test_a_commit_is_never_said_to_be_done_by_another_connection(opened: Open) -> None:
    store = opened()

    def lose_it() -> None:
        with store.database.writing as cursor:
            cursor.execute("INSERT INTO meta (name, value) VALUES ('x', 'y')")
            store.database.close()

    with pytest.raises(StoreBusy):
        lose_it()

    assert store.database.asked("SELECT count(*) FROM meta WHERE name = 'x'") == 0


def test_bells_ring_again_after_their_connection_was_lost(opened: Open) -> None:
    store, other = opened(), opened()
    bell = store.bells.hang(Topic.RESULTS)
    gone = other.database.asked(
        "SELECT count(*) FROM (SELECT pg_terminate_backend(pid, 10000) AS gone FROM pg_stat_activity "
        "WHERE query LIKE '%advisory_lock_shared%' AND pid <> pg_backend_pid() AND state = 'idle') AS ended WHERE gone"
    )
    assert gone
    assert bell.wait(DEADLINE_S)  # Rung by the loss: whoever waits looks.

    heard: list[str] = []
    for _ in range(4 * DEADLINE_S):
        other.bells.ring(Topic.RESULTS, ["job"])
        if bell.wait(0.25):
            heard += bell.drain()
        if "job" in heard:
            break
    assert "job" in heard
    bell.close()


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    store = open_store("postgresql://anna:secret@127.0.0.1:1/jobs")

    with pytest.raises(StoreBusy, match="cannot be reached") as refused:
        store.open()

    assert "secret" not in str(refused.value)
    assert "secret" not in store.name


# Several writers


def test_many_workers_take_each_job_once_and_the_best_first(opened: Open) -> None:
    first = opened()
    for queue in ("a", "b"):
        first.jobs.add([new(f"{queue}{i}", queue=queue, priority=i % 10) for i in range(200)], NOW)
    start = threading.Barrier(4)

    def drain(number: int) -> list[Job]:
        store = opened()
        me, mine = worker(store, f"w{number}"), []
        start.wait(DEADLINE_S)
        while jobs := store.jobs.claim(me, Served(None, ()), 16, NOW).jobs:
            store.jobs.finish([done(one) for one in jobs], NOW)
            mine += jobs
        return mine

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(drain, range(4)))

    assert sorted(one.id for jobs in taken for one in jobs) == sorted(f"{q}{i}" for q in "ab" for i in range(200))
    for jobs in taken:
        ranks = [one.priority for one in jobs]
        assert ranks == sorted(ranks, reverse=True)
    assert {state for _, state in first.read.stats().counts} == {JobState.SUCCEEDED}


def test_what_waits_for_jobs_that_end_at_once_in_many_workers_runs_once(opened: Open) -> None:
    first = opened()
    parts = [f"part-{i}" for i in range(64)]
    bodies = [new(f"body-{b}", after=tuple(Edge(part) for part in parts)) for b in range(4)]
    first.jobs.add([*news(*parts), *bodies], NOW)
    start = threading.Barrier(4)

    def end(number: int) -> None:
        store = opened()
        me = worker(store, f"w{number}")
        start.wait(DEADLINE_S)
        for _ in range(4):
            jobs = claimed(store, me, 4)
            store.jobs.finish([done(one) for one in reversed(jobs)], NOW)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(end, range(4)))

    waiting = first.read.get([body.id for body in bodies])
    assert {one.state for one in waiting.values()} == {JobState.READY}


def test_a_job_that_another_has_in_hand_is_passed_over(opened: Open) -> None:
    store, other = opened(), opened()
    store.jobs.add(news("a", "b"), NOW)
    me = worker(store)

    with other.database.reading:
        pass
    with other.database._beside as cursor:
        cursor.execute("SELECT FROM job WHERE id = 'a' FOR UPDATE")
        assert [one.id for one in claimed(store, me, 2)] == ["b"]


def test_a_writer_that_waits_too_long_for_another_says_so(opened: Open) -> None:
    store, other = opened(patience_s=0.05), opened()

    with other.database.writing, pytest.raises(StoreBusy, match=r"locked by others"):
        store.jobs.cancel(["a"], NOW)

    assert store.jobs.cancel(["a"], NOW) == {}


def test_who_only_reads_waits_for_no_writer(opened: Open) -> None:
    store, other = opened(patience_s=0.05), opened()

    with other.database.writing:
        assert store.read.stats().counts == {}


# Many hosts


def test_leases_are_measured_by_the_servers_clock(opened: Open) -> None:
    store, other = opened(), opened()
    assert abs(store.workers.steady() - other.workers.steady()) < DEADLINE_S * 1_000_000

    key = worker(store)
    assert [row.state for row in other.workers.all()] == [WorkerState.ALIVE]
    store.workers.beat(key, {}, -1, NOW)
    assert [row.state for row in other.workers.all()] == [WorkerState.SILENT]
    store.workers.beat(key, {}, LEASE, NOW)
    assert [row.state for row in other.workers.all()] == [WorkerState.ALIVE]


def test_hosts_whose_clocks_are_minutes_apart_run_each_others_jobs_and_keep_their_leases(opened: Open) -> None:
    early, late, minutes = opened(), opened(), 10 * 60_000_000
    keys = [worker(early, "early"), late.workers.enter(card("late"), NOW + minutes, LEASE)]

    # What names no time runs at once, whichever clock is behind.
    early.jobs.add([new("from-early")], NOW)
    late.jobs.add([new("from-late")], NOW + minutes)
    (first,) = claimed(late, keys[1], 1)
    (second,) = claimed(early, keys[0], 1)
    assert (first.id, second.id) == ("from-early", "from-late")
    assert early.workers.beat(keys[0], {second.id: second.run_token}, LEASE, NOW).held
    assert {row.state for row in late.workers.all()} == {WorkerState.ALIVE}
    assert early.jobs.finish([done(second)], NOW).applied == late.jobs.finish([done(first)], NOW + minutes).applied
    # What names one is reckoned by who asks.
    early.jobs.add([new("later", run_at=NOW + minutes // 2)], NOW)
    assert claimed(early, keys[0], 1) == []
    taken = late.jobs.claim(keys[1], Served(None, ()), 1, NOW + minutes).jobs
    assert [one.id for one in taken] == ["later"]


def test_a_check_tells_of_a_clock_that_is_off(opened: Open, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    real = time.time
    monkeypatch.setattr(examination.time, "time", lambda: real() - 600)

    found, reader = examine(url)

    assert reader is not None
    reader.close()
    (said,) = [one for one in found if one.check == "clock"]
    assert said.what.startswith("The clock of this computer is 600 s behind the server's")


# Whose schema it is


def test_stores_in_two_schemas_of_a_database_know_nothing_of_each_other(opened: Open) -> None:
    one, other = opened(), open_store(f"{server().url}&schema=another")
    bell = other.bells.hang(Topic.WORK)

    one.jobs.add([new("job")], NOW)

    assert other.read.get(["job"]) == {}
    assert not bell.wait(0)
    bell.close()
    other.close()


def test_many_processes_make_a_store_at_once() -> None:
    url = f"{server().url}&schema=made_by_many"
    start = threading.Barrier(6)

    def make(_: int) -> str:
        store = open_store(url)
        start.wait(DEADLINE_S)
        store.open()
        store.close()
        return str(store.database.identity)

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(make, range(6)))) == 1


def test_a_schema_of_something_else_is_left_alone() -> None:
    store = open_store(f"{server().url}&schema=cutting")
    store.database.asked("SELECT 1")
    with store.database.writing as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS theirs")
        cursor.execute("CREATE TABLE IF NOT EXISTS theirs.precious (x int)")
    store.close()

    with pytest.raises(StoreForeign, match=r"has tables of something else. Add \?schema=NAME"):
        open_store(f"{server().url}&schema=theirs").open()


@pytest.mark.parametrize(("version", "who"), [(999, "a newer"), (1, "an older")])
def test_a_store_of_another_version_is_refused(version: int, who: str) -> None:
    url = f"{server().url}&schema=version{version}"
    store = open_store(url)
    store.open()
    with store.database.writing as cursor:
        cursor.execute("UPDATE meta SET value = $1 WHERE name = 'format'", (str(version),))
    store.close()

    with pytest.raises(StoreVersion, match=f"made by {who} LocalQ"):
        open_store(url).open()


@pytest.mark.parametrize("schema", ["", "Tasks", "a-b", "pg_mine", "x" * 60])
def test_a_schema_has_a_name_that_needs_no_quotes(schema: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"must be a name of small letters"):
        open_store(f"{server().url}&schema={schema}")


def test_who_only_looks_makes_nothing(opened: Open) -> None:
    absent = f"{server().url}&schema=never_made"
    with pytest.raises(StoreError, match="There is no store in the schema never_made"):
        check_there(absent)
    found, store = examine(absent)
    assert (store, [one.level for one in found if one.check == "owner"]) == (None, ["note"])
    assert sizes(absent) == (0, 0)


def test_a_reader_reads_and_cannot_write(opened: Open, url: str) -> None:
    opened().jobs.add([new("job")], NOW)
    reader = open_reader(url)

    assert list(reader.read.get(["job"])) == ["job"]
    with pytest.raises(StoreError):
        reader.jobs.cancel(["job"], NOW)
    reader.close()
    assert sizes(url)[0] > 0


def test_a_check_tells_of_the_server(opened: Open, url: str) -> None:
    opened()

    found, reader = examine(url)

    assert reader is not None
    reader.close()
    assert [one.check for one in found] == ["server", "sweeping", "durability", "owner"]
    assert found[0].what.startswith("The server is PostgreSQL ")


# Events


def test_an_event_longer_than_a_notice_arrives_whole(opened: Open) -> None:
    store, other = opened(), opened()
    assert not other.events.listened()
    bell = store.events.listen()
    assert other.events.listened()

    sent = [bytes(range(256)) * size for size in (0, 1, 22, 23, 234)]
    for data in sent:
        other.events.send(data)

    heard: list[bytes] = []
    while len(heard) < len(sent):
        assert bell.wait(DEADLINE_S)
        heard += bell.receive()
    assert heard == sent
    bell.close()


# Two versions at once


def test_who_has_a_store_open_goes_on_when_a_newer_version_takes_it_over(opened: Open, url: str) -> None:
    store, newer = opened(), opened()
    store.jobs.add(news("a"), NOW)
    with newer.database.writing as cursor:
        cursor.execute("UPDATE meta SET value = $1 WHERE name = 'format'", (str(SCHEMA_VERSION + 1),))

    # What it knows is as it was: a newer format takes nothing away that an open one uses.
    me = worker(store)
    assert store.jobs.finish([done(one) for one in claimed(store, me, 1)], NOW).applied == [True]
    for opens in (lambda: open_store(url).open(), lambda: open_reader(url).read.stats()):
        with pytest.raises(StoreVersion, match=r"made by a newer LocalQ .*; nothing was changed"):
            opens()

    with newer.database.writing as cursor:
        cursor.execute("UPDATE meta SET value = $1 WHERE name = 'format'", (str(SCHEMA_VERSION),))


# Sweeping


def test_a_check_tells_of_old_transactions(opened: Open, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    monkeypatch.setattr(examination, "_OLD", examination._OLD.replace("5 minutes", "0 minutes"))
    with psycopg.connect(server().url) as open_for_long:
        open_for_long.execute("SELECT 1")
        found, reader = examine(url)
    assert reader is not None
    reader.close()

    (said,) = [one for one in found if one.check == "transactions"]
    assert said.level == "warning"
    assert "1 transactions are open for more than 5 minutes" in said.what


def test_the_tables_that_change_most_are_swept_often(opened: Open) -> None:
    asked = opened().database.asked
    said = "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass"
    options = {table: set(asked(said, (table,))) for table in ("job", "attempt", "worker")}

    assert {"fillfactor=80", "autovacuum_vacuum_scale_factor=0.02"} <= options["job"]
    assert {"fillfactor=100", "autovacuum_vacuum_scale_factor=0.02"} <= options["attempt"]
    assert "fillfactor=50" in options["worker"]
