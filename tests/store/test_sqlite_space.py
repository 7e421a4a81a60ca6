"""The space a SQLite file takes: the log and the file stay small, a full disk loses nothing, plans use the indexes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from localq.exceptions import StoreFull
from localq.model import failpoints
from localq.model.job import JobState
from localq.store.protocol import Filter
from localq.store.sql.job_shape import shape_of
from localq.store.sql.statement import Statement
from localq.store.sqlite import database as sqlite_database
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.given import HOUR, NOW, call, claimed, done, new, newly, news, worker
from tests.store.together import run_python, together

MEGABYTE = 1 << 20
#: Megabytes that make the log worth a checkpoint.
ENOUGH = sqlite_database.CHECKPOINT_BYTES // MEGABYTE + 3
#: And that make it longer than a log that was written back stays.
MORE_THAN_IS_KEPT = 3 * sqlite_database.CHECKPOINT_BYTES // MEGABYTE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, "normal")
    store.open()
    yield store
    store.close()


def log_bytes(store: SqliteStore) -> int:
    return os.stat(f"{store.name}-wal").st_size


def add_megabyte(store: SqliteStore, name: str) -> None:
    store.jobs.add([new(name, args=os.urandom(MEGABYTE))], NOW)


# The log


def test_the_log_grows_only_until_it_is_tended(store: SqliteStore) -> None:
    sizes = []
    for number in range(3 * ENOUGH):
        add_megabyte(store, f"job-{number}")
        sizes.append(log_bytes(store))
        store.tend(NOW)

    assert max(sizes) < sqlite_database.CHECKPOINT_BYTES + 3 * MEGABYTE
    assert os.stat(store.name).st_size > 2 * ENOUGH * MEGABYTE


def test_a_client_without_a_worker_tends_by_itself(store: SqliteStore) -> None:
    sizes = []
    for number in range(3000):
        store.jobs.add([new(f"job-{number}", args=b"x" * 500, options="y" * 4000)], NOW)
        sizes.append(log_bytes(store))

    assert max(sizes) < 3 * sqlite_database.CHECKPOINT_BYTES


def test_a_small_log_is_left_alone(store: SqliteStore) -> None:
    store.jobs.add([new()], NOW)
    before = os.stat(store.name).st_size

    store.tend(NOW)

    assert os.stat(store.name).st_size == before


def test_a_reader_that_pins_the_log_delays_its_end_and_no_more(store: SqliteStore) -> None:
    store.jobs.add([new()], NOW)
    reader = sqlite3.connect(store.name, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)
    for number in range(MORE_THAN_IS_KEPT):
        add_megabyte(store, f"job-{number}")
        store.tend(NOW)
    pinned = log_bytes(store)
    assert pinned > MORE_THAN_IS_KEPT * MEGABYTE
    assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)

    reader.execute("COMMIT")
    reader.close()
    store.tend(NOW)
    for number in range(5):
        add_megabyte(store, f"more-{number}")

    assert log_bytes(store) < pinned
    assert sum(store.read.stats().counts.values()) == MORE_THAN_IS_KEPT + 6


def test_others_read_and_write_on_after_a_checkpoint(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    other.jobs.add([new("theirs")], NOW)
    for number in range(ENOUGH):
        add_megabyte(store, f"job-{number}")
    store.tend(NOW)

    assert newly(other, [new("later")], NOW) == [True]
    assert set(other.read.get(["theirs", "later", "job-7"])) == {"theirs", "later", "job-7"}
    assert len(call(other, "job-3").args) == MEGABYTE
    other.close()


def test_a_log_that_nobody_wrote_to_is_left_alone(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.jobs.add([new("job")], NOW)
    looked: list[str] = []
    monkeypatch.setattr(sqlite_database, "begin_writeback", looked.append)

    for _ in range(3):
        store.tend(NOW)
    other = SqliteStore(store.name)
    other.jobs.add([new("theirs")], NOW)
    other.close()
    os.utime(f"{store.name}-wal", ns=(1, 1))  # the clock of files is coarse
    for _ in range(3):
        store.tend(NOW)

    assert looked == [f"{store.name}-wal"] * 2


@pytest.mark.parametrize("point", ["store.pinned", "store.checkpoint"])
def test_a_kill_at_the_checkpoint_loses_nothing(path: Path, point: str) -> None:
    killed = run_python(children.add_and_tend, str(path), str(ENOUGH), LOCALQ_FAULT=f"{point}=kill")

    assert killed.returncode == -9
    store = SqliteStore(path)
    assert store.database.inspect("integrity_check") == [("ok",)]
    assert sum(store.read.stats().counts.values()) == ENOUGH
    assert newly(store, [new("after")], NOW) == [True]
    store.close()


def test_upkeep_that_fails_does_not_fail_the_jobs_added(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "CHECKPOINT_BYTES", 0)
    monkeypatch.setenv("LOCALQ_FAULT", "store.checkpoint=enospc")
    failpoints.reload()
    try:
        with pytest.raises(StoreFull):
            store.tend(NOW)
        for number in range(600):
            assert newly(store, [new(f"job-{number}")], NOW) == [True]
    finally:
        monkeypatch.undo()
        failpoints.reload()

    assert store.read.stats().counts == {("default", JobState.READY): 600}


# The file


def test_space_that_pruning_left_is_given_back(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "SPARE_PAGES", 16)
    for number in range(12):
        add_megabyte(store, f"job-{number}")
    store.jobs.cancel([f"job-{number}" for number in range(11)], NOW)
    large = store.database.inspect("page_count")[0][0]
    store.jobs.prune(NOW + 1, 100)

    for _ in range(large // 100):
        store.tend(NOW)

    pages, spare = store.database.inspect("page_count")[0][0], store.database.inspect("freelist_count")[0][0]
    assert pages < large / 4
    assert spare <= max(16, pages // 4)
    assert store.database.inspect("integrity_check") == [("ok",)]
    assert len(call(store, "job-11").args) == MEGABYTE
    store.close()
    assert os.stat(store.name).st_size < 4 * MEGABYTE


def test_a_little_spare_space_is_kept_for_the_next_jobs(store: SqliteStore) -> None:
    add_megabyte(store, "large")
    store.jobs.cancel(["large"], NOW)
    store.jobs.prune(NOW + 1, 10)
    before = store.database.inspect("freelist_count")

    store.tend(NOW)

    assert store.database.inspect("freelist_count") == before != [(0,)]


# No space left


def test_a_full_file_says_so_and_loses_nothing(store: SqliteStore) -> None:
    key = worker(store)
    store.jobs.add([new("first"), new("running")], NOW)
    running = claimed(store, key, 2)[1]
    # A page limit makes SQLite say what a full disk makes it say.
    pages = store.database.inspect("page_count")[0][0]
    store.database.inspect(f"max_page_count={pages + 20}")
    added: list[str] = []
    with pytest.raises(StoreFull, match=rf"No space left for {store.name}"):
        fill_up(store, added)

    large = news(*(f"batch-{i}" for i in range(50)), args=b"x" * 3000)
    for attempt in (
        lambda: store.jobs.add(large, NOW),
        lambda: store.jobs.finish([done(running, JobState.READY, args=b"x" * 100_000)], NOW),
    ):
        with pytest.raises(StoreFull):
            attempt()
    assert store.read.get([*added, "first", "running"]).keys() == {*added, "first", "running"}
    assert sum(store.read.stats().counts.values()) == len(added) + 2
    assert store.read.get(["batch-0"]) == {}
    assert store.jobs.finish([done(running)], NOW).applied == [True]
    store.database.inspect("max_page_count=1000000")
    assert newly(store, large, NOW) == [True] * 50
    assert store.database.inspect("integrity_check") == [("ok",)]


def fill_up(store: SqliteStore, added: list[str]) -> None:
    while len(added) < 1000:
        name = f"job-{len(added)}"
        store.jobs.add([new(name, args=b"x" * 3000)], NOW)
        added.append(name)


def test_pruning_makes_room_in_a_full_file(store: SqliteStore) -> None:
    ids = [f"job-{i}" for i in range(20)]
    store.jobs.add(news(*ids, args=b"x" * 3000), NOW)
    store.database.inspect(f"max_page_count={store.database.inspect('page_count')[0][0]}")
    with pytest.raises(StoreFull):
        store.jobs.add([new("large", args=b"x" * 50_000)], NOW)

    store.jobs.cancel(ids, NOW)
    assert store.jobs.prune(NOW + 1, 100) == 20

    assert newly(store, [new("large", args=b"x" * 50_000)], NOW) == [True]


def test_a_limit_on_file_sizes_says_so_and_loses_nothing(path: Path) -> None:
    ((added, said, works),) = together(1, children.fill_up_to_a_limit, path)

    assert added > 0
    assert str(path) in said
    assert works
    store = SqliteStore(path)
    assert sum(store.read.stats().counts.values()) == added + 1
    assert store.database.inspect("integrity_check") == [("ok",)]
    store.close()


# Plans


def statement_called(name: str) -> Statement:
    """Return a statement by its name, in whatever table it is."""
    (found,) = [
        getattr(room, name)
        for room in (SQLITE.texts.job, SQLITE.texts.read, SQLITE.texts.worker)
        if hasattr(room, name)
    ]
    return getattr(found, "one", cast(Statement, found))


def plan(path: Path, statement: Statement) -> str:
    """Return how SQLite would run a statement."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", [None] * len(statement.names)).fetchall()
    finally:
        connection.close()
    return "; ".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("outlook", "job_due"),
        ("promote", "job_due"),
        ("promote_queue", "job_due_in_queue"),
        ("first_due", "job_due_in_queue"),
        ("next_due_queue", "job_due_in_queue"),
        ("next_queue", "job_ready"),
        ("best_of_queue", "job_ready"),
        ("front_of_queue", "job_ready"),
        ("take_front", "job_ready"),
        ("claim_keys", "INTEGER PRIMARY KEY"),
        ("finish", "INTEGER PRIMARY KEY"),
        ("owned", "job_owner"),
        ("lost", "job_owner"),
        ("next_done", "job_done"),
        ("done_before", "job_done"),
        ("still_done", "INTEGER PRIMARY KEY"),
        ("line", "job_ready"),
        ("stats", "job_done"),
        ("by_id", "autoindex_job"),
        ("note_shown", "autoindex_job"),
        ("notes_of", "autoindex_job"),
        ("requeue", "autoindex_job"),
        ("starting", "autoindex_job"),
        ("attempts", "INTEGER PRIMARY KEY"),
        ("last_attempt", "INTEGER PRIMARY KEY"),
        ("waiting", "job_ready"),
    ],
)
@pytest.mark.parametrize("analysed", [False, True])
def test_a_frequent_statement_uses_an_index_and_sorts_nothing(
    store: SqliteStore, path: Path, name: str, index: str, analysed: bool
) -> None:
    if analysed:
        fill_with_every_state(store)
        connection = sqlite3.connect(path)
        connection.execute("ANALYZE")
        connection.close()

    said = plan(path, statement_called(name))

    assert index in said
    for bad in ("SCAN job;", "SCAN attempt", "SCAN note"):
        assert bad not in f"{said};"
    assert "ORDER BY" not in said


@pytest.mark.parametrize(
    ("which", "index"),
    [
        (Filter(states=(JobState.RUNNING,)), "job_owner"),
        (Filter(states=(JobState.FAILED,)), "job_failed (state=?)"),
        (Filter(states=(JobState.CANCELLED,), before=1_000_000), "job_failed (state=?"),
        (Filter(shown="PROGRESS"), "job_shown"),
        (Filter(shown="PROGRESS", tasks=("task",)), "job_shown"),
        (Filter(states=(JobState.FAILED,), queues=("far",)), "job_failed (state=?"),
    ],
)
def test_rare_jobs_are_found_without_going_through_all_others(
    store: SqliteStore, path: Path, which: Filter, index: str
) -> None:
    fill_with_every_state(store)

    said = [plan(path, look.query) for look in SQLITE.lookers(shape_of(which))]

    assert [index in one for one in said] == [True]


def fill_with_every_state(store: SqliteStore) -> None:
    key = worker(store)
    store.jobs.add([new(f"job-{i}", run_at=NOW + i % 2, queue=f"queue-{i % 3}") for i in range(2000)], NOW)
    jobs = claimed(store, key, 600)
    store.jobs.finish([done(job) for job in jobs[:300]], NOW)


def test_a_claim_finds_its_jobs_behind_a_large_backlog(store: SqliteStore) -> None:
    key = worker(store)
    for portion in range(20):
        store.jobs.add(news(*(f"ready-{portion}-{i}" for i in range(5000)), queue=f"queue-{portion % 4}"), NOW)
    store.jobs.add([new("due", run_at=NOW + 1, queue="queue-2"), new("urgent", priority=5, queue="queue-3")], NOW)

    taken = claimed(store, key, 5, now=NOW + HOUR)

    assert [job.id for job in taken] == ["urgent", "ready-0-0", "ready-0-1", "ready-0-2", "ready-0-3"]
    assert claimed(store, key, 2, queues=["queue-1"])[0].id == "ready-1-0"
    store.workers.leave([key], NOW)
    assert store.workers.lost(1)[0].job.id in {"urgent", "ready-0-0", "ready-1-0"}
    assert store.read.stats().counts["queue-0", JobState.READY] == 25_000 - 4


def test_finished_jobs_are_pruned_from_behind_a_large_backlog(store: SqliteStore) -> None:
    ids = [f"job-{i}" for i in range(3000)]
    store.jobs.add(news(*ids), NOW)
    store.jobs.cancel(ids[:1500], NOW)

    removed: list[Any] = []
    while count := store.jobs.prune(NOW + 1, 400):
        removed.append(count)

    assert removed == [400, 400, 400, 300]
    assert store.read.stats().counts == {("default", JobState.READY): 1500}
