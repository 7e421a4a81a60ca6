"""localq backup: a whole copy of a store in use, and what a restored one does."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from localq import LocalQ
from localq.exceptions import StoreFull
from localq.model.job import JobState
from localq.monitor.health import examine
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, card, claimed, new, news
from tests.store.timed import everything
from tests.worker.waiting import DEADLINE_S

Run = Callable[..., Result]


def test_a_backup_is_a_store_with_the_same_jobs(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add(news("a", "b", args=b"x" * 1000), NOW)
    q.store.jobs.cancel(["a"], NOW)

    result = localq("backup", str(tmp_path / "copy.db"))

    copy = SqliteStore(tmp_path / "copy.db")
    size = os.stat(tmp_path / "copy.db").st_size
    assert result.exit_code == 0
    assert result.stdout == f"2 jobs, {size:,} bytes ({size / 1024:.1f} KiB) in {tmp_path}/copy.db\n"
    assert everything(copy) == everything(q.store)
    copy.close()
    assert [one.what for one in examine(copy.name) if one.level == "error"] == []


def test_a_backup_can_be_read_by_its_owner_alone_and_leaves_nothing_beside_it(
    q: LocalQ, localq: Run, tmp_path: Path
) -> None:
    q.store.jobs.add([new()], NOW)
    (tmp_path / "backups").mkdir()

    localq("backup", str(tmp_path / "backups" / "copy.db"))

    assert os.listdir(tmp_path / "backups") == ["copy.db"]
    assert stat.S_IMODE(os.stat(tmp_path / "backups" / "copy.db").st_mode) == 0o600


def test_every_backup_made_under_load_holds_what_was_acknowledged_before(
    q: LocalQ, localq: Run, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    enough, begun = threading.Event(), threading.Event()

    def enqueue() -> None:
        number = 0
        while not enough.is_set():
            q.store.jobs.add(news(*(f"job-{number + i}" for i in range(20))), NOW)
            acknowledged.extend(f"job-{number + i}" for i in range(20))
            number += 20
            begun.set()

    writer = threading.Thread(target=enqueue)
    writer.start()
    begun.wait(DEADLINE_S)
    copies = []
    for number in range(5):
        before = list(acknowledged)
        copies.append((before, tmp_path / f"copy-{number}.db"))
        assert localq("backup", str(copies[-1][1])).exit_code == 0
    enough.set()
    writer.join()

    for before, path in copies:
        copy = SqliteStore(path)
        assert len(copy.read.get(before)) == len(before)
        assert copy.database.inspect("integrity_check") == [("ok",)]
        copy.close()


def test_jobs_that_ran_when_the_backup_was_made_run_again_from_it(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add([new("running", args=b"[[20],{}]"), new("waiting", args=b"[[1],{}]")], NOW)
    lost = q.store.workers.enter(card("lost"), NOW, 1)
    claimed(q.store, lost, 1)
    localq("backup", str(tmp_path / "copy.db"))

    restored = LocalQ(path=tmp_path / "copy.db")

    @restored.task(name="shop.mail")
    def double(x: int) -> int:
        return 2 * x

    with restored.running(concurrency=1, pool="threads"):
        running, waiting = (restored.AsyncResult(name) for name in ("running", "waiting"))
        assert (running.get(timeout=DEADLINE_S), waiting.get(timeout=DEADLINE_S)) == (40, 2)
    restored.close()

    assert q.AsyncResult("running").state == "STARTED"


def test_what_is_there_is_replaced_only_by_force(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add([new()], NOW)
    (tmp_path / "copy.db").write_bytes(b"something else")

    refused = localq("backup", str(tmp_path / "copy.db"))
    before = (tmp_path / "copy.db").read_bytes()
    forced = localq("backup", str(tmp_path / "copy.db"), "--force")

    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert before == b"something else"
    assert forced.exit_code == 0
    assert (tmp_path / "copy.db").read_bytes().startswith(b"SQLite format 3")


def test_the_store_is_never_replaced_by_its_own_copy(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add([new()], NOW)
    (tmp_path / "link.db").symlink_to(q.location)

    for name in ("jobs.db", "link.db"):
        result = localq("backup", str(tmp_path / name), "--force")

        assert result.exit_code == 2
        assert "is the store itself" in result.stderr


def test_a_database_in_use_is_not_replaced(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add([new()], NOW)
    other = SqliteStore(tmp_path / "other.db")
    other.jobs.add([new("other")], NOW)

    result = localq("backup", str(tmp_path / "other.db"), "--force")

    assert result.exit_code == 2
    assert "seems to be in use" in result.stderr
    assert list(other.read.get(["other"])) == ["other"]
    other.close()


@pytest.mark.parametrize(("target", "said"), [("", "is a folder"), ("no/copy.db", "There is no folder")])
def test_a_target_that_cannot_be_is_refused(q: LocalQ, localq: Run, tmp_path: Path, target: str, said: str) -> None:
    q.store.open()

    result = localq("backup", str(tmp_path / target))

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_missing_store_is_not_made_to_be_copied(localq: Run, tmp_path: Path) -> None:
    result = localq("backup", str(tmp_path / "copy.db"))

    assert result.exit_code == 74
    assert os.listdir(tmp_path) == []


def test_a_damaged_store_gives_an_error_and_no_copy(q: LocalQ, localq: Run, tmp_path: Path) -> None:
    q.store.jobs.add(news(*(f"job-{number}" for number in range(200)), args=b"x" * 500), NOW)
    q.close()
    path = Path(q.location)
    content = bytearray(path.read_bytes())
    for page in range(4096 * 12, len(content), 4096):
        content[page : page + 2048] = b"\xff" * 2048
    path.write_bytes(content)

    result = localq("backup", str(tmp_path / "copy.db"))

    assert result.exit_code == 74
    assert "damaged" in result.stderr
    assert [name for name in os.listdir(tmp_path) if "copy" in name] == []


@pytest.mark.parametrize("error", [StoreFull("No space left for the store."), OSError(5, "Input/output error")])
def test_a_copy_that_cannot_be_written_leaves_nothing_behind(
    q: LocalQ, localq: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    q.store.jobs.add([new()], NOW)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "copy.db").write_bytes(b"the last one")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("localq.store.sqlite.readonly.ReadOnlyStore.inspect", fail)
    result = localq("backup", str(tmp_path / "backups" / "copy.db"), "--force")

    assert result.exit_code == 74
    assert f"{tmp_path}/backups/copy.db" in result.stderr
    assert os.listdir(tmp_path / "backups") == ["copy.db"]
    assert (tmp_path / "backups" / "copy.db").read_bytes() == b"the last one"
    assert q.store.read.stats().counts == {("default", JobState.READY): 1}
