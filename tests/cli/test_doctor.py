"""localq doctor: what it finds, and that it changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from localq import LocalQ
from localq.host.presence import Presence
from localq.model.edges import Edge
from localq.model.finding import Finding
from localq.model.job import JobState
from localq.model.orders import PAUSE, Order
from localq.model.schedule import Firing, NewSchedule
from localq.monitor.health import examine
from localq.store.sqlite import examine_contents, examine_place
from localq.store.sqlite.conversions import OLDEST
from localq.store.sqlite.filesystem import OVERRIDE
from localq.store.sqlite.readonly import ReadOnlyStore
from tests.cli.terminal import on_terminal
from tests.store.given import HOUR, NOW, card, claimed, job, new, news, worker_of_an_earlier_start

Run = Callable[..., Result]
HOME = str(Path(__file__).parents[2])
FAR = 2**62


@pytest.fixture(autouse=True)
def local_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take whatever the tests lie on for a local disk with room."""
    monkeypatch.setattr(examine_place, "filesystem_of", lambda path: "ext4")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))  # type: ignore[attr-defined]


@pytest.fixture
def path(q: LocalQ) -> Path:
    """Return the file of a store with some jobs, which nobody has open."""
    q.store.jobs.add(news(*(f"job-{number}" for number in range(100)), args=b"x" * 500), NOW)
    q.store.jobs.cancel([f"job-{number}" for number in range(100)], NOW + 1)
    q.close()
    return Path(q.location)


def grave(path: Path | str) -> dict[str, str]:
    """Return what is wrong with a file, by the names of the checks."""
    return {one.check: one.what for one in examine(path) if one.level in ("warning", "error")}


def finding(path: Path | str, check: str) -> Finding:
    (found,) = [one for one in examine(path) if one.check == check]
    return found


def sql(path: Path, *statements: str) -> None:
    """Change a file as somebody else might."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def register(q: LocalQ, name: str = "anna", **more: Any) -> int:
    """Register a worker that lives."""
    return q.store.workers.enter(card(name, **{"queues": None, **more}), NOW, HOUR)


# All is well


def test_a_healthy_store_with_a_worker_passes(q: LocalQ, localq: Run) -> None:
    q.task(name="shop.mail")(lambda: None)

    with q.running(concurrency=1, pool="threads", queues=["other"]):
        result = localq("doctor")

    assert result.exit_code == 0, result.output
    found = [line.split("\t") for line in result.stdout.splitlines()]
    assert {one[1] for one in found} == {
        "filesystem", "rights", "space", "sqlite", "owner", "integrity", "journal", "synchronous", "log",
        "lock", "schema", "identity", "workers", "orphans", "queues", "tasks", "workflows", "schedules",
    }  # fmt: skip
    assert {one[0] for one in found} <= {"ok", "note"}
    assert all(len(one) == 4 for one in found)


def test_json_tells_the_gravest_level_and_every_finding(path: Path, localq: Run) -> None:
    path.chmod(0o604)

    result = localq("doctor", "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["file"], told["level"]) == (str(path), "warning")
    (one,) = [one for one in told["findings"] if one["level"] == "warning"]
    assert one == {
        "level": "warning",
        "check": "rights",
        "what": f"{path} has mode 0604: any user here can read the jobs.",
        "advice": f"chmod 600 {path}",
    }


def test_a_person_sees_marks_and_advice(path: Path) -> None:
    path.chmod(0o602)

    code, seen = on_terminal("--path", str(path), "doctor")

    assert code >= 1
    assert "✓ The file is whole.\n" in seen
    assert f"    chmod 600 {path}\n" in seen


def test_a_store_in_memory_has_no_file_to_check(localq: Run) -> None:
    assert localq("doctor", path=":memory:").exit_code == 2


# Nothing is changed


def test_a_missing_file_is_reported_and_not_made(localq: Run, tmp_path: Path) -> None:
    result = localq("doctor")

    assert result.exit_code == 2
    assert f"There is no file {tmp_path}/jobs.db." in result.stdout
    assert os.listdir(tmp_path) == []


def test_the_file_is_left_as_it_is(path: Path, localq: Run) -> None:
    before, when = path.read_bytes(), path.stat().st_mtime_ns

    localq("doctor", "--full")

    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, when)


def test_what_a_crash_left_in_the_log_stays_there(q: LocalQ, tmp_path: Path) -> None:
    q.store.jobs.add(news("a", "b"), NOW)
    crashed = tmp_path / "crashed" / "jobs.db"
    crashed.parent.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{q.location}{end}", f"{crashed}{end}")
    before = [crashed.read_bytes(), Path(f"{crashed}-wal").read_bytes()]

    found = finding(crashed, "queues")

    assert found.what == "Jobs wait for a worker: 2 in queue 'default'."
    assert [crashed.read_bytes(), Path(f"{crashed}-wal").read_bytes()] == before


def test_only_sqlite_opens_the_file(path: Path) -> None:
    script = """
import os, sys
opened = []
def listen(event, args):
    if event == "open" and not isinstance(args[0], int):
        opened.append(os.fspath(args[0]))
sys.addaudithook(listen)
from localq.monitor.health import examine
assert len(examine(sys.argv[1])) > 10
bad = [one for one in opened if one in (sys.argv[1], sys.argv[1] + "-wal", sys.argv[1] + "-shm")]
assert sys.argv[1] + ".d/id" in opened
sys.exit(f"opened {bad}" if bad else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "PYTHONPATH": HOME},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


# What is no store, or no longer one


@pytest.mark.parametrize("content", [b"hello\n" * 1000, b"\0" * 8192, b"xy"])
def test_a_file_that_is_no_database_is_reported(localq: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "jobs.db").write_bytes(content)

    result = localq("doctor")

    assert result.exit_code == 2
    assert "no SQLite database" in result.stdout
    assert (tmp_path / "jobs.db").read_bytes() == content


def test_the_database_of_something_else_is_reported(localq: Run, tmp_path: Path) -> None:
    sql(tmp_path / "jobs.db", "CREATE TABLE cookies (name)", "PRAGMA application_id=305419896")

    result = localq("doctor")

    assert result.exit_code == 2
    assert "a database of something else (application id 0x12345678)" in result.stdout
    assert "integrity" not in result.stdout


def test_a_database_without_a_name_is_something_else(tmp_path: Path) -> None:
    sql(tmp_path / "jobs.db", "CREATE TABLE cookies (name)")

    assert "something else" in finding(tmp_path / "jobs.db", "owner").what


def test_a_newer_store_is_checked_as_far_as_it_is_known(path: Path) -> None:
    sql(path, "PRAGMA user_version=99")

    assert "format is 99" in grave(path)["version"]
    assert finding(path, "integrity").level == "ok"
    assert not [one for one in examine(path) if one.check in ("schema", "workers")]


def test_a_store_of_an_older_format_is_reported_with_what_to_do(path: Path) -> None:
    sql(path, "PRAGMA user_version=1")

    found = finding(path, "version")

    assert found.level == "error"
    assert "older development version" in found.what
    assert "its format is 1" in found.what
    assert "choose another path" in found.advice


def test_a_store_that_will_be_converted_is_told(path: Path) -> None:
    sql(path, f"PRAGMA user_version={OLDEST}")

    found = finding(path, "version")

    assert found.level == "note"
    assert f"its format is {OLDEST}" in found.what
    assert "localq backup" in found.advice


def test_a_store_of_no_version_is_reported(path: Path) -> None:
    sql(path, "PRAGMA user_version=0")

    assert "which no LocalQ writes" in grave(path)["version"]


def test_an_empty_file_is_a_store_to_be(tmp_path: Path, localq: Run) -> None:
    (tmp_path / "jobs.db").touch(0o600)

    result = localq("doctor")

    assert result.exit_code == 0
    assert "note\towner\tThe file is empty." in result.stdout
    assert (tmp_path / "jobs.db").stat().st_size == 0


def test_an_empty_file_where_jobs_were_is_a_loss(path: Path) -> None:
    path.write_bytes(b"")

    assert "something cut it to nothing" in grave(path)["file"]


def test_a_file_that_was_removed_is_a_loss(path: Path) -> None:
    path.unlink()

    assert "is gone, but jobs were kept in it" in grave(path)["file"]


def test_an_overwritten_head_is_reported(path: Path, localq: Run) -> None:
    with path.open("r+b") as file:
        file.write(b"overwritten" * 10)

    result = localq("doctor")

    assert result.exit_code == 2
    assert "its head was overwritten" in result.stdout


def test_a_truncated_file_is_reported(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)

    assert any("is damaged" in what for what in grave(path).values())


def test_damaged_pages_are_reported_with_what_to_do(path: Path, localq: Run) -> None:
    content = bytearray(path.read_bytes())
    for page in range(4096 * 12, len(content), 4096):
        content[page : page + 2048] = os.urandom(2048)
    path.write_bytes(content)

    result = localq("doctor")

    assert result.exit_code == 2
    assert f"sqlite3 {path} .recover" in result.stdout
    assert path.read_bytes() == content


def test_an_index_that_lost_rows_is_reported(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = 'CREATE INDEX job_done ON job (created_at)' WHERE name = 'job_done'"
    )
    connection.commit()
    connection.close()

    assert "job_done" in grave(path)["integrity"]


def test_large_files_are_checked_quickly_unless_told_otherwise(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine_contents, "CHECKED_IN_FULL", 1000)

    (quick,) = [one for one in examine(path) if one.check == "integrity"]
    (full,) = [one for one in examine(path, full=True) if one.check == "integrity"]

    assert (quick.level, full.level) == ("note", "ok")
    assert "quick check" in quick.what


def test_lost_tables_indexes_and_strange_triggers_are_reported(path: Path) -> None:
    sql(
        path,
        "DROP TABLE note",
        "DROP INDEX job_due",
        "CREATE TRIGGER spy AFTER INSERT ON job BEGIN SELECT 1; END",
    )

    found = [one.what for one in examine(path) if one.check == "schema"]

    assert found == [
        "Tables are missing: note.",
        "Indexes are missing: job_due. Work will be slow.",
        "The file defines what LocalQ does not: trigger spy.",
    ]


def test_a_file_in_anothers_place_is_reported(path: Path) -> None:
    sql(path, "UPDATE meta SET value = 'another' WHERE name = 'uuid'")

    assert "Another file was put" in grave(path)["identity"]


def test_a_journal_mode_other_than_wal_is_noted(path: Path) -> None:
    sql(path, "PRAGMA journal_mode=DELETE")

    assert finding(path, "journal").level == "note"


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(q: LocalQ, localq: Run) -> None:
    register(q)
    sql(Path(q.location), "UPDATE worker SET card = '[]'")

    result = localq("doctor")

    assert result.exit_code == 2
    assert "error\tworkers\tA worker's entry cannot be read" in result.stdout
    assert "ok\tintegrity" in result.stdout


def test_states_that_do_not_exist_are_a_finding(q: LocalQ) -> None:
    q.store.jobs.add([new()], NOW)
    sql(Path(q.location), "UPDATE job SET queue = CAST(x'ff' AS TEXT)")

    assert "workers" in grave(q.location)


# Where it lies


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a folder" in grave(tmp_path)["file"]


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jobs.db")

    assert "not a regular file" in grave(tmp_path / "jobs.db")["file"]


def test_a_path_through_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "cannot be reached" in grave(tmp_path / "file" / "jobs.db")["file"]


def test_a_second_name_is_reported(path: Path) -> None:
    os.link(path, path.with_name("second.db"))

    assert "2 names" in grave(path)["file"]


def test_odd_characters_in_the_path_do_no_harm(tmp_path: Path) -> None:
    app = LocalQ(path=tmp_path / "a ?b#c%20é.db")
    app.store.jobs.add([new()], NOW)
    app.close()

    assert finding(app.location, "integrity").level == "ok"
    assert "Jobs wait for a worker: 1 in" in finding(app.location, "queues").what


@pytest.mark.parametrize("kind", ["nfs4", "virtiofs", "fuse.sshfs"])
def test_on_an_unsafe_filesystem_the_file_is_not_opened(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(examine_place, "filesystem_of", lambda path: kind)
    before = sorted(os.listdir(path.parent))

    found = examine(path)

    assert kind in grave(path)["filesystem"]
    assert "integrity" not in {one.check for one in found}
    assert sorted(os.listdir(path.parent)) == before
    monkeypatch.setenv(OVERRIDE, "1")
    assert finding(path, "integrity").level == "ok"


@pytest.mark.parametrize(
    ("kind", "level"), [("xfs", "ok"), ("tmpfs", "warning"), ("overlay", "warning"), (None, "note")]
)
def test_filesystems_are_judged(path: Path, kind: str | None, level: str) -> None:
    assert examine_place.filesystem(kind).level == level


@pytest.mark.parametrize(
    ("mode", "level"),
    [(0o600, "ok"), (0o640, "note"), (0o660, "note"), (0o644, "warning"), (0o666, "warning")],
)
def test_modes_are_judged(path: Path, mode: int, level: str) -> None:
    path.chmod(mode)

    (found,) = examine_place.rights(str(path), os.geteuid())

    assert found.level == level


def test_another_owner_is_no_fault_where_the_group_has_the_file(path: Path) -> None:
    path.chmod(0o660)

    owner, group = examine_place.rights(str(path), os.geteuid() + 1)

    assert (owner.level, group.level) == ("note", "note")
    assert owner.advice == "Every program needs a umask for its group, 007."


def test_another_owner_is_reported(path: Path) -> None:
    (found,) = examine_place.rights(str(path), os.geteuid() + 1)

    assert found.level == "warning"
    assert f"belongs to user {os.geteuid()}; you are user {os.geteuid() + 1}" in found.what


def test_a_folder_that_all_may_write_is_reported(path: Path) -> None:
    path.parent.chmod(0o777)
    assert "Any user can replace files" in grave(path)["rights"]

    path.parent.chmod(0o1777)
    assert "rights" not in grave(path)


@pytest.mark.parametrize("end", ["", "-wal", ".d", "/.."])
def test_what_must_be_written_and_cannot_be_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    refused = os.path.normpath(f"{path}{end}")
    Path(f"{path}-wal").touch()
    monkeypatch.setattr(os, "access", lambda one, mode: os.fspath(one) != refused)

    found = [one for one in examine_place.rights(str(path), os.geteuid()) if one.level == "error"]

    assert len(found) == 1
    assert refused in found[0].what


def test_a_large_log_is_reported(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    q.store.jobs.add([new()], NOW)
    assert "log" not in grave(q.location)

    monkeypatch.setattr(examine_place, "LARGE_LOG", 1000)

    assert "has grown to" in grave(q.location)["log"]


@pytest.mark.parametrize(("free", "level"), [(1 << 20, "error"), (100 << 20, "warning"), (1 << 40, "ok")])
def test_the_space_left_is_judged(path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(free, 0, free))  # type: ignore[attr-defined]

    assert finding(path, "space").level == level


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), "note"),
        ((3, 44, 5), "note"),
        ((3, 44, 6), "ok"),
        ((3, 45, 0), "note"),
        ((3, 50, 6), "note"),
        ((3, 50, 7), "ok"),
        ((3, 51, 2), "note"),
        ((3, 51, 3), "ok"),
        ((3, 53, 0), "ok"),
    ],
)
def test_versions_of_sqlite_with_the_wal_reset_bug_are_known(version: tuple[int, int, int], level: str) -> None:
    assert examine_contents.sqlite_version(version).level == level


@pytest.mark.parametrize(("durability", "said"), [("full", "Every enqueue waits"), ("normal", "No enqueue waits")])
def test_the_durability_of_commits_is_told(path: Path, durability: str, said: str) -> None:
    (found,) = [one for one in examine(path, durability=durability) if one.check == "synchronous"]

    assert said in found.what


# The write lock


def test_a_process_that_keeps_the_write_lock_is_named(q: LocalQ) -> None:
    q.store.open()
    holder = sqlite3.connect(q.location, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    found = finding(q.location, "lock")
    holder.execute("ROLLBACK")

    assert f"Process {os.getpid()} (" in found.what
    assert found.level == "warning"
    assert finding(q.location, "lock").level == "ok"
    holder.close()


def test_processes_that_take_turns_with_the_write_lock_are_left_alone(q: LocalQ) -> None:
    q.store.open()
    inode = os.stat(f"{q.location}-shm").st_ino
    tables = iter(f"{n}: POSIX  ADVISORY  WRITE {n} fe:00:{inode} 120 120" for n in range(100, 200))

    found = examine_contents.write_lock(ReadOnlyStore(q.location), lambda: next(tables), lambda seconds: None)

    assert found.level == "ok"


def test_other_locks_are_not_mistaken_for_the_write_lock(q: LocalQ) -> None:
    q.store.open()
    inode = os.stat(f"{q.location}-shm").st_ino
    table = (
        f"1: POSIX  ADVISORY  READ 1 fe:00:{inode} 120 120\n"
        f"2: POSIX  ADVISORY  WRITE 2 fe:00:{inode} 121 127\n"
        f"3: POSIX  ADVISORY  WRITE 3 fe:00:{inode}0 0 EOF\n"
        f"4: -> POSIX  ADVISORY  WRITE 4 fe:00:{inode} 120 120\n"
    )

    def judged(table: str | None) -> Finding:
        return examine_contents.write_lock(ReadOnlyStore(q.location), lambda: table, lambda seconds: None)

    assert judged(table).level == "ok"
    assert judged(f"5: POSIX  ADVISORY  WRITE 5 fe:00:{inode} 0 EOF").level == "warning"
    assert judged(None).level == "note"


# The work


def test_workers_that_live_are_named(q: LocalQ) -> None:
    register(q, "anna", pid=17)
    register(q, "bert", pid=18)

    assert "2 workers are alive: anna (process 17), bert (process 18)." in finding(q.location, "workers").what


def test_a_worker_whose_process_is_dead_does_not_count(q: LocalQ) -> None:
    q.store.open()
    folder = Path(f"{q.location}.d")
    register(q, "dead", uuid="u-dead")
    (folder / "u-dead.lock").touch()

    assert finding(q.location, "workers").what == "No worker is alive."


def test_a_worker_of_this_very_process_counts(q: LocalQ) -> None:
    q.store.open()
    register(q, "here", uuid="u-here")
    presence = Presence(Path(f"{q.location}.d"), "u-here", 1)

    found = finding(q.location, "workers")
    presence.close()

    assert "1 worker is alive: here" in found.what


def test_a_worker_that_is_stopped_is_reported(q: LocalQ) -> None:
    q.store.workers.enter(card("stopped", pid=17), q.clock.now() - 90 * 10**6, 1)

    assert "stopped (process 17) has said nothing for 90 s" in grave(q.location)["workers"]


def test_running_jobs_of_workers_that_are_gone_are_reported(q: LocalQ) -> None:
    q.store.jobs.add([*news("a", "b"), new("c", task="shop.pack")], NOW)
    gone = worker_of_an_earlier_start(q.store, "gone")
    claimed(q.store, gone)
    q.store.jobs.add([new("d")], NOW)
    claimed(q.store, register(q, "alive"))

    assert grave(q.location)["orphans"] == "3 jobs belong to workers that are gone: 2 of shop.mail, 1 of shop.pack."
    assert "A live worker takes them over" in finding(q.location, "orphans").advice


def test_running_jobs_of_nobody_are_reported(q: LocalQ) -> None:
    q.store.jobs.add([new()], NOW)
    claimed(q.store, register(q))
    sql(Path(q.location), "DELETE FROM worker")

    assert "1 job belongs" in grave(q.location)["orphans"]
    assert "as soon as a worker starts" in finding(q.location, "orphans").advice


def test_running_jobs_of_live_and_of_silent_workers_are_no_orphans(q: LocalQ) -> None:
    q.store.jobs.add([new()], NOW)
    claimed(q.store, q.store.workers.enter(card("silent"), NOW, 1))

    assert finding(q.location, "orphans").level == "ok"


def test_queues_that_no_live_worker_serves_are_reported(q: LocalQ) -> None:
    q.store.jobs.add([new("a", queue="mail"), new("b", queue="my mail"), new("c", queue="mail", run_at=FAR)], NOW)
    q.store.jobs.add([new("d", queue="served"), new("e", queue="excluded")], NOW)
    register(q, "some", queues=("served",))
    register(q, "all but one", excluded=("mail", "my mail", "excluded"))
    worker_of_an_earlier_start(q.store, "gone")

    found = [one for one in examine(q.location) if one.check == "queues"]

    assert [one.what for one in found] == [
        "1 job waits in queue 'excluded', which no live worker serves.",
        "2 jobs wait in queue 'mail', which no live worker serves.",
        "1 job waits in queue 'my mail', which no live worker serves.",
    ]
    assert found[2].advice.endswith("-Q 'my mail'.")


def test_without_a_worker_it_is_said_once_that_none_is_there_and_who_waits(q: LocalQ) -> None:
    q.store.jobs.add([new("a", queue="mail"), new("b", queue="my mail"), new("c", queue="mail", task="other")], NOW)
    worker_of_an_earlier_start(q.store, "gone")

    found = [one for one in examine(q.location) if one.check in ("workers", "queues", "tasks")]

    assert [(one.level, one.what) for one in found] == [
        ("note", "No worker is alive."),
        ("warning", "Jobs wait for a worker: 2 in queue 'mail', 1 in queue 'my mail'."),
    ]
    assert sum("localq worker" in one.advice for one in found) == 1


def test_beside_a_worker_that_is_stopped_no_other_one_is_alive(q: LocalQ) -> None:
    q.store.workers.enter(card("stopped", pid=17), NOW, 1)

    silent, others, queues = (one.what for one in examine(q.location) if one.check in ("workers", "queues", "tasks"))

    assert silent.startswith("Worker stopped (process 17) has said nothing for")
    assert (others, queues) == ("No other worker is alive.", "No job waits in a queue.")


def test_paused_queues_are_told(q: LocalQ) -> None:
    q.store.jobs.add([new("a", queue="my mail")], NOW)
    q.store.mail.order([Order(PAUSE, "my mail", "")], NOW)

    (found,) = [one for one in examine(q.location) if "paused" in one.what]

    assert (found.what, found.level) == ("Queue 'my mail' is paused; 1 job waits in it.", "note")
    assert found.advice == "To let it go on: localq resume 'my mail'."


def test_tasks_that_no_live_worker_knows_are_reported(q: LocalQ) -> None:
    q.store.jobs.add([new("a", task="shop.mial"), new("b", task="shop.mial"), new("c", task="other", queue="x")], NOW)
    q.store.jobs.add([new("d")], NOW)
    register(q, "knows", queues=("default",))
    register(q, "elsewhere", queues=("y",), tasks=("shop.mial",))

    found = [one for one in examine(q.location) if one.check == "tasks"]

    assert [one.what for one in found] == [
        "2 jobs wait in queue 'default' for task 'shop.mial', which no live worker there knows. Did you mean "
        "'shop.mail'?"
    ]


def test_finished_jobs_need_nobody(path: Path) -> None:
    assert "queues" not in grave(path)
    assert JobState.CANCELLED in {state for _, state in ReadOnlyStore(path).read.stats().counts}


# Workflows


def test_jobs_that_wait_for_what_never_comes_are_named(q: LocalQ) -> None:
    q.store.jobs.add([new("first"), *(new(f"next-{n}", after=(Edge("first"),), workflow="w") for n in range(7))], NOW)
    assert finding(q.location, "workflows").level == "ok"

    sql(Path(q.location), "UPDATE job SET waits = 2 WHERE id = 'next-3'")
    one = finding(q.location, "workflows")
    sql(Path(q.location), "UPDATE job SET waits = 2 WHERE waits = 1")
    many = finding(q.location, "workflows")

    assert (one.level, one.what) == ("warning", "A job waits for what can never come: next-3 (shop.mail).")
    assert many.what.startswith("Jobs wait for what can never come: next-0 (shop.mail), next-1")
    assert many.what.endswith("next-4 (shop.mail) and more.")
    # What it advises.
    q.store.jobs.cancel(["next-3"], NOW)
    q.store.jobs.requeue(["next-3"], NOW)
    assert job(q.store, "next-3").waits == 1


# Schedules


@pytest.mark.parametrize(
    ("due_s_ago", "level", "words"),
    [
        (-60, "ok", "No schedule is overdue"),
        (5, "ok", "No schedule is overdue"),
        (3700, "warning", "'mail' has been due"),
    ],
)
def test_a_schedule_that_nobody_fires_is_reported(q: LocalQ, due_s_ago: int, level: str, words: str) -> None:
    at = q.clock.now() - due_s_ago * 1_000_000
    q.store.schedules.put(NewSchedule("mail", "run-time", "{}", "r", at, at, at), at, replace=False)

    found = finding(q.location, "schedules")

    assert found.level == level
    assert words in found.what


def test_a_schedule_that_waits_for_the_job_before_is_not_overdue(q: LocalQ) -> None:
    at = q.clock.now()
    q.store.schedules.put(NewSchedule("mail", "run-time", "{}", "r", at, at, at), at, replace=False)
    (mail,) = q.store.schedules.find()
    later = at + 3600 * 1_000_000
    q.store.schedules.fire([Firing(mail.key, mail.revision, (), (), (), later, later, held_at=at)], at)

    assert finding(q.location, "schedules").level == "ok"


def test_no_schedules_are_all_right(path: Path) -> None:
    assert finding(path, "schedules") == Finding("ok", "schedules", "No schedule waits for its time.")
