"""The file of a SQLite store: how it is made, where it may lie, and what is beside it."""

from __future__ import annotations

import gc
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from localq.exceptions import (
    ImproperlyConfigured,
    StoreError,
    UnsafeFilesystem,
)
from localq.model.edges import Edge
from localq.model.job import JobState
from localq.store import open_store
from localq.store.protocol import Topic
from localq.store.sql.layout import SCHEMA_VERSION
from localq.store.sqlite import filesystem
from localq.store.sqlite.file_format import APPLICATION_ID
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.files import changed, filled, mode, opened
from tests.store.given import NOW, claimed, done, new, newly, news, state, worker
from tests.store.together import run_python

# Made


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("normal", 1)])
def test_a_new_file_is_made_as_a_queue_needs_it(tmp_path: Path, durability: str, synchronous: int) -> None:
    store = opened(tmp_path / "jobs.db", durability)
    store.jobs.add([new()], NOW)

    said = {
        pragma: store.database.inspect(pragma)[0][0]
        for pragma in (
            "journal_mode",
            "synchronous",
            "auto_vacuum",
            "wal_autocheckpoint",
            "mmap_size",
            "trusted_schema",
            "application_id",
            "user_version",
        )
    }

    assert said == {
        "journal_mode": "wal",
        "synchronous": synchronous,
        "auto_vacuum": 2,
        "wal_autocheckpoint": 0,
        "mmap_size": 0,
        "trusted_schema": 0,
        "application_id": APPLICATION_ID,
        "user_version": SCHEMA_VERSION,
    }
    store.close()


def test_a_job_is_finished_by_whoever_shares_the_file(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "jobs.db"), opened(tmp_path / "jobs.db")
    one.jobs.add([new("awaited"), new("waits", after=(Edge("awaited"),)), new("plain")], NOW)
    jobs = claimed(one, worker(one))

    assert other.jobs.finish([done(job) for job in jobs], NOW).applied == [True, True]

    ended = [state(one, name) for name in ("awaited", "waits", "plain")]
    assert ended == [JobState.SUCCEEDED, JobState.READY, JobState.SUCCEEDED]
    for store in (one, other):
        store.close()


def test_where_a_job_was_when_it_was_claimed_is_not_believed_of_a_later_one(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "jobs.db"), opened(tmp_path / "jobs.db")
    anna = worker(one)
    one.jobs.add([new("job")], NOW)
    (before,) = claimed(one, anna)
    other.jobs.finish([done(before)], NOW)
    other.jobs.forget(["job"])
    other.jobs.add(news("in its place", "job"), NOW)
    in_place, later = claimed(other, anna)
    assert (in_place.key, later.run_token) == (before.key, before.run_token)

    assert one.jobs.finish([done(later)], NOW).applied == [True]

    assert (state(one, "in its place"), state(one, "job")) == (JobState.RUNNING, JobState.SUCCEEDED)
    for store in (one, other):
        store.close()


def test_a_look_that_was_broken_off_keeps_the_next_from_nothing_new(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "jobs.db"), opened(tmp_path / "jobs.db")
    one.jobs.add([new("job")], NOW)
    one.database.begin(one.database.cursor, write=False)
    other.jobs.finish([done(claimed(other, worker(other))[0])], NOW)

    seen = one.read.seen(["job"])

    assert seen["job"].job.state == JobState.SUCCEEDED
    assert seen["job"].attempt is not None
    for store in (one, other):
        store.close()


def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    old = os.umask(0)
    try:
        store = opened(path)
        store.jobs.add([new()], NOW)
        store.bells.hang(Topic.WORK).close()
    finally:
        os.umask(old)

    assert {name: mode(tmp_path / name) for name in os.listdir(tmp_path)} == {
        "jobs.db": 0o600,
        "jobs.db-wal": 0o600,
        "jobs.db-shm": 0o600,
        "jobs.db.lock": 0o600,
        "jobs.db.d": 0o700,
    }
    store.close()


def test_a_closed_store_leaves_one_whole_file(tmp_path: Path) -> None:
    filled(tmp_path / "jobs.db", 3)

    assert sorted(os.listdir(tmp_path)) == ["jobs.db", "jobs.db.d", "jobs.db.lock"]
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM job").fetchone() == (3,)
    connection.close()


def test_jobs_are_there_again_after_reopening(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db", 3)
    identity = (tmp_path / "jobs.db.d" / "id").read_text()

    store = opened(path)

    assert store.read.stats().counts == {("default", JobState.READY): 3}
    assert (tmp_path / "jobs.db.d" / "id").read_text() == identity != ""
    store.close()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").touch()

    filled(tmp_path / "jobs.db", 2)

    assert opened(tmp_path / "jobs.db").read.stats().counts == {("default", JobState.READY): 2}


@pytest.mark.parametrize("durability", ["", "FULL", "off", None])
def test_an_unknown_durability_is_refused(durability: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="durability"):
        SqliteStore("jobs.db", durability)


def test_a_store_whose_making_was_cut_short_is_made_at_the_next_open(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"

    killed = run_python(children.add_one, str(path), LOCALQ_FAULT="store.create=kill")

    assert killed.returncode == -9
    store = opened(filled(path))
    assert store.database.inspect("auto_vacuum") == [(2,)]
    store.close()


def test_jobs_of_a_worker_that_was_removed_are_lost(tmp_path: Path) -> None:
    store = opened(tmp_path / "jobs.db")
    store.jobs.add([new()], NOW)
    claimed(store, worker(store))
    store.close()
    changed(tmp_path / "jobs.db", "DELETE FROM worker")

    assert [one.job.id for one in store.workers.lost(10)] == ["job"]
    store.close()


# Paths


@pytest.mark.parametrize(
    "name",
    ["with space.db", "Zürich-日本.db", "100%.db", "a?b=c#d.db", "-rf", "'quoted\".db", "line\nbreak.db", "file:x.db"],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a folder, größer" / name
    path.parent.mkdir()

    filled(path)

    assert sorted(os.listdir(path.parent)) == sorted([name, f"{name}.d", f"{name}.lock"])


def test_a_relative_path_stays_the_same_file_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore("jobs.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    store.jobs.add([new()], NOW)

    assert store.name == str(tmp_path / "jobs.db")
    assert os.listdir(".") == []
    store.close()


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    filled(tmp_path / "jobs.db")
    (tmp_path / "link.db").symlink_to("jobs.db")

    store = opened(tmp_path / "link.db")

    assert store.read.get(["job-0"])
    assert store.name == str(tmp_path / "jobs.db")
    assert not (tmp_path / "link.db-wal").exists()
    store.close()


def test_a_path_may_be_bytes(tmp_path: Path) -> None:
    store = SqliteStore(os.fsencode(tmp_path / "jobs.db"))

    store.jobs.add([new()], NOW)

    assert store.name == str(tmp_path / "jobs.db")
    store.close()


@pytest.mark.parametrize("how", ["removed", "replaced by another file"])
def test_a_write_to_a_file_that_lost_its_name_is_an_error_and_the_next_goes_to_the_new_file(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "jobs.db"
    store = opened(path)
    store.jobs.add([new("before")], NOW)
    for file in [one for one in tmp_path.glob("jobs.db*") if one.is_file()]:
        file.rename(tmp_path / f"old-{file.name}")
    there = {"after"}
    if how != "removed":
        filled(path)
        there.add("job-0")
    store.database._see_at = 0.0

    with pytest.raises(StoreError, match=f"{path} was {how} while this process used it"):
        store.jobs.add([new("lost")], NOW)

    store.jobs.add([new("after")], NOW)
    assert set(store.read.get(["before", "job-0", "lost", "after"])) == there
    store.close()


@pytest.mark.parametrize("where", ["missing/jobs.db", "a-file/jobs.db"])
def test_a_missing_folder_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-file").touch()

    with pytest.raises(StoreError, match=r"folder .*(missing|a-file) does not exist"):
        SqliteStore(tmp_path / where).open()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        SqliteStore(tmp_path).open()


def test_pipes_sockets_and_devices_are_no_stores(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))

    for path in (tmp_path / "pipe", tmp_path / "socket", Path("/dev/null")):
        with pytest.raises(StoreError, match="not a regular file"):
            SqliteStore(path).open()


def test_a_file_with_two_names_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db")
    os.link(path, tmp_path / "second.db")

    for name in ("jobs.db", "second.db"):
        with pytest.raises(StoreError, match="2 names"):
            SqliteStore(tmp_path / name).open()

    os.unlink(tmp_path / "second.db")
    filled(path)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "jobs.db.d").touch()

    with pytest.raises(StoreError, match=r"jobs\.db\.d"):
        SqliteStore(tmp_path / "jobs.db").open()


def test_a_network_filesystem_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "filesystem_of", lambda path: "nfs4")

    with pytest.raises(UnsafeFilesystem, match="nfs4"):
        SqliteStore(tmp_path / "jobs.db").open()

    assert os.listdir(tmp_path) == []
    monkeypatch.setenv("LOCALQ_ALLOW_UNSAFE_FS", "1")
    filled(tmp_path / "jobs.db")


# Copies


def test_a_copy_is_whole_and_private(tmp_path: Path) -> None:
    store = opened(tmp_path / "jobs.db")
    store.jobs.add(news("a", "b"), NOW)

    store.database.vacuum_into(str(tmp_path / "copy.db"))

    store.close()
    copy = opened(tmp_path / "copy.db")
    assert copy.read.stats().counts == {("default", JobState.READY): 2}
    assert mode(copy.name) == 0o600
    copy.close()


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    store = opened(tmp_path / "jobs.db")

    for target in ("precious", "jobs.db", "missing/copy.db"):
        with pytest.raises(StoreError, match="copy cannot be written"):
            store.database.vacuum_into(str(tmp_path / target))

    assert (tmp_path / "precious").read_text() == "precious"
    assert newly(store, [new()], NOW) == [True]
    store.close()


# In memory


def test_a_store_in_memory_forgets_when_closed() -> None:
    store = SqliteStore(":memory:")
    store.jobs.add([new()], NOW)
    folder = store.database.folder
    assert folder.is_dir()

    store.close()

    assert not folder.exists()
    assert store.read.get(["job"]) == {}
    store.close()


def test_two_stores_in_memory_are_apart() -> None:
    one, other = SqliteStore(":memory:"), SqliteStore(":memory:")

    one.jobs.add([new()], NOW)

    assert other.read.get(["job"]) == {}
    one.close()
    other.close()


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_store_in_memory_that_is_dropped_takes_its_folder_along() -> None:
    store = SqliteStore(":memory:")
    store.open()
    folder = store.database.folder

    del store
    gc.collect()

    assert not folder.exists()


@pytest.mark.parametrize("name", ["jobs.db", ":memory:"])
def test_a_store_that_is_dropped_closes_its_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened(Path(name))
    store.tend(NOW)
    connections = [one for one in (store.database._connection, store.database._checkpointer) if one is not None]

    del store
    gc.collect()

    assert connections
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")


# Locations


def test_a_location_is_a_path_or_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert open_store("jobs.db").name == open_store("sqlite:///jobs.db").name == str(tmp_path / "jobs.db")
    assert open_store(f"sqlite:///{tmp_path}/jobs.db").name == open_store(tmp_path / "jobs.db").name
    assert not open_store(":memory:").shared
    assert not open_store("sqlite://").shared
    assert not open_store("sqlite:///:memory:").shared


@pytest.mark.parametrize("url", ["mongodb://localhost/0", "mysql://x", "sqlite+aiosqlite:///x.db"])
def test_a_url_without_a_store_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no store for"):
        open_store(url)
