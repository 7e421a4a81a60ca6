"""Presence: proof that a worker is dead, and what it had started before it died."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localq.host.marks import Marks, started_jobs
from localq.host.presence import Presence, is_dead, remove, share_life
from tests.store import children
from tests.store.together import DEADLINE_S, run_python, shared, together


def test_a_living_worker_is_not_dead(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 2)

    assert together(1, children.find_dead, tmp_path, ["anna"]) == [[False]]

    presence.close()


def test_its_own_process_never_tests_its_lock_and_so_never_loses_it(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 2)

    assert not is_dead(tmp_path, "anna")
    assert together(1, children.find_dead, tmp_path, ["anna"]) == [[False]]

    presence.close()


def test_a_living_worker_of_another_process_is_not_dead(tmp_path: Path) -> None:
    ready, leave = shared("Event"), shared("Event")

    with ThreadPoolExecutor(1) as thread:
        worker = thread.submit(together, 1, children.be_present, tmp_path, "anna", ready, leave)
        assert ready.wait(DEADLINE_S)
        seen = [is_dead(tmp_path, "anna") for _ in range(3)]
        leave.set()
        worker.result(DEADLINE_S)

    assert seen == [False, False, False]


def test_a_killed_worker_is_proven_dead(tmp_path: Path) -> None:
    killed = run_python(children.be_killed_present, str(tmp_path), "anna")

    assert killed.returncode == -9
    assert is_dead(tmp_path, "anna")
    assert together(3, children.find_dead, tmp_path, ["anna"]).count([True]) >= 1
    assert is_dead(tmp_path, "anna")


def test_a_worker_whose_slot_lives_on_is_not_dead_yet(tmp_path: Path) -> None:
    paths = os.pathsep.join([os.getcwd(), *(path for path in sys.path if path)])
    code = "import sys; from tests.store.children import leave_a_slot_behind as act; act(*sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), "anna"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        assert worker.stdout.readline() == b"ready\n"
        worker.kill()
        worker.wait(DEADLINE_S)
        assert not is_dead(tmp_path, "anna")

        worker.stdin.close()
        assert worker.stdout.read() == b""  # the slot has ended
        assert is_dead(tmp_path, "anna")


def test_a_worker_that_left_in_order_leaves_no_files(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 2)
    assert sorted(os.listdir(tmp_path)) == ["anna.lock", "anna.slots"]

    presence.close()

    assert os.listdir(tmp_path) == []
    assert not is_dead(tmp_path, "anna")


def test_without_files_nothing_is_proven(tmp_path: Path) -> None:
    assert not is_dead(tmp_path, "unknown")
    assert not is_dead(tmp_path / "missing", "unknown")
    assert started_jobs(tmp_path, "unknown") is None


def test_a_live_worker_whose_folder_was_cleared_is_not_dead(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 1)

    remove(tmp_path, "anna")

    assert together(1, children.find_dead, tmp_path, ["anna"]) == [[False]]
    presence.close()


def test_one_workers_end_is_not_anothers(tmp_path: Path) -> None:
    anna, bert = Presence(tmp_path, "anna", 1), Presence(tmp_path, "bert", 1)

    anna.close()

    assert together(1, children.find_dead, tmp_path, ["anna", "bert"]) == [[False, False]]
    assert sorted(os.listdir(tmp_path)) == ["bert.lock", "bert.slots"]
    bert.close()


def test_a_forked_child_leaves_its_parents_presence_alone(tmp_path: Path) -> None:
    assert together(1, children.close_presence_in_a_fork, tmp_path) == [(0, ["anna.lock", "anna.slots"])]


@pytest.mark.linux("locks are for a group as well")
@pytest.mark.parametrize(("mask", "mode"), [(0, 0o660), (0o007, 0o660), (0o022, 0o640), (0o077, 0o600)])
def test_files_are_for_their_user_and_for_the_group_as_far_as_the_umask_says(
    tmp_path: Path, mask: int, mode: int
) -> None:
    old = os.umask(mask)
    try:
        presence = Presence(tmp_path, "anna", 1)
    finally:
        os.umask(old)

    assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()} == {mode}
    presence.close()


# Marks


def test_marks_outlive_a_kill(tmp_path: Path) -> None:
    run_python(children.be_killed_present, str(tmp_path), "anna")

    assert started_jobs(tmp_path, "anna") == {(11, 1), (12, 1), (21, 1)}

    remove(tmp_path, "anna")
    assert started_jobs(tmp_path, "anna") is None


def test_a_worker_that_started_nothing_says_so(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 3)

    assert started_jobs(tmp_path, "anna") == set()
    presence.close()


def test_a_worker_whose_slots_do_not_mark_is_not_known(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 0)

    assert presence.marks is None
    assert started_jobs(tmp_path, "anna") is None
    presence.close()


def test_the_worker_sees_what_each_slot_runs(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 2)
    assert presence.marks is not None
    seen = [Marks(presence.marks, slot) for slot in range(2)]
    written = Marks.opened(presence.marks_path, 1)
    assert written is not None

    written.begin(7, 3, 1.5)

    assert seen[0].last() == (0, 0, 0.0, 0)
    assert seen[1].last() == (7, 3, 1.5, 1)
    written.end()
    assert seen[1].last() == (7, 3, 1.5, 0)
    presence.close()


def test_marks_remember_the_last_jobs_of_a_slot_over_its_processes(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "anna", 1)
    for process in range(3):
        marks = Marks.opened(presence.marks_path, 0)
        assert marks is not None
        for job in range(100):
            marks.begin(1000 * process + job, 1, 0.0)

    started = started_jobs(tmp_path, "anna")

    assert started is not None
    newest = [1000 * process + job for process in range(3) for job in range(100)]
    assert len(started) >= 200
    assert started == {(key, 1) for key in newest[-len(started) :]}
    presence.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 100_000])
def test_damaged_marks_are_read_as_far_as_they_go(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "anna.slots").write_bytes(content)

    assert started_jobs(tmp_path, "anna") in (None, set())


def test_marks_that_cannot_be_opened_are_none(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"short")
    (tmp_path / "empty").touch()

    for path in (None, tmp_path / "missing", tmp_path / "short", tmp_path / "empty"):
        assert Marks.opened(None if path is None else str(path), 0) is None
    assert share_life(None) is None
    assert share_life(str(tmp_path / "missing.slots")) is None
