"""What proves that a worker lives, on every system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localq.host.locks import Locks
from localq.host.portable_locks import PortableLocks
from localq.host.posix_locks import PosixLocks

KINDS = {"posix": PosixLocks, "portable": PortableLocks}

#: Does something with the locks of a kind in another process, and goes on until its input ends.
_OTHER = """
import sys
from pathlib import Path
from localq.host.{module} import {kind} as Kind
locks, folder = Kind(), Path(sys.argv[1])
held = {do}
print("held" if held is not None else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def locks(kind: str) -> Locks:
    made: Locks = KINDS[kind]()
    return made


class Other:
    """Another process that holds something."""

    def __init__(self, kind: str, folder: Path, do: str) -> None:
        code = _OTHER.format(module=f"{kind}_locks", kind=KINDS[kind].__name__, do=do)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_worker_that_was_killed_is_proven_dead(locks: Locks, kind: str, tmp_path: Path) -> None:
    with Other(kind, tmp_path, "locks.take(folder, 'one')") as worker:
        assert worker.said == "held"
        assert not locks.is_free(tmp_path, "one")
        worker.kill()
        assert locks.is_free(tmp_path, "one")


def test_a_dead_worker_s_slot_that_lives_keeps_it_from_being_proven_dead(
    locks: Locks, kind: str, tmp_path: Path
) -> None:
    with Other(kind, tmp_path, "locks.take(folder, 'one')") as worker:
        slots = [Other(kind, tmp_path, "locks.share(folder, 'one')") for _ in range(2)]
        assert [slot.said for slot in slots] == ["held", "held"]
        worker.kill()
        assert not locks.is_free(tmp_path, "one")
        slots[0].kill()
        assert not locks.is_free(tmp_path, "one")
        slots[1].kill()
    assert locks.is_free(tmp_path, "one")


def test_a_worker_without_a_file_is_not_proven_dead(locks: Locks, tmp_path: Path) -> None:
    assert not locks.is_free(tmp_path, "nobody")


def test_a_slot_of_a_worker_without_a_file_holds_nothing(locks: Locks, tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own text
        locks.share(tmp_path, "nobody")


def test_what_is_left_is_listed_and_removed(locks: Locks, kind: str, tmp_path: Path) -> None:
    with (
        Other(kind, tmp_path, "locks.take(folder, 'one')"),
        Other(kind, tmp_path, "locks.share(folder, 'one')"),
        Other(kind, tmp_path, "locks.take(folder, 'two')"),
    ):
        assert sorted(locks.left(tmp_path)) == ["one", "two"]
    locks.remove(tmp_path, "one")
    locks.remove(tmp_path, "one")
    assert locks.left(tmp_path) == ["two"]
    locks.remove(tmp_path, "two")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_was_let_go_leaves_its_file(locks: Locks, tmp_path: Path) -> None:
    held = locks.take(tmp_path, "one")
    locks.let_go(held)
    assert locks.left(tmp_path) == ["one"]
    assert locks.is_free(tmp_path, "one")


def test_a_file_is_taken_by_one_process_and_free_when_that_has_died(locks: Locks, kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "w.pid")
    with Other(kind, tmp_path, "locks.take_file(str(folder / 'w.pid'), '12345')") as owner:
        assert owner.said == "held"
        assert Path(path).read_text() == "12345"
        assert locks.is_taken(path)
        assert locks.take_file(path, "2") is None
        with Other(kind, tmp_path, "locks.take_file(str(folder / 'w.pid'), '3')") as second:
            assert second.said == "refused"
        owner.kill()
        assert not locks.is_taken(path)
    held = locks.take_file(path, "2")
    assert held is not None
    assert Path(path).read_text() == "2"
    locks.remove_file(path, held)
    assert not Path(path).exists()


def test_a_file_s_lock_parts_processes_and_is_let_go_with_the_block(locks: Locks, kind: str, tmp_path: Path) -> None:
    do = "locks.alone(str(folder / 'jobs.lock')).__enter__() or 1"
    with locks.alone(str(tmp_path / "jobs.lock")):
        code = _OTHER.format(module=f"{kind}_locks", kind=KINDS[kind].__name__, do=do)
        waits = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waits.wait(1)
    assert waits.stdout is not None
    assert waits.stdout.readline().strip() == "held"
    waits.communicate()
