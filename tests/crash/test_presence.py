"""What a dead worker leaves behind says which of its jobs had been started, and whether anything of it lives."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq.host.marks import MARK_SIZE, MOST_PLACES, SLOTS_OF_PLACES, Marks, Places, mark_place, opened, started_jobs
from localq.host.presence import Presence, abandoned, is_dead, remove, share_life
from tests.crash.lab import until


@pytest.fixture
def present(tmp_path: Path) -> Iterator[Presence]:
    made = Presence(tmp_path, "w", 2)
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []


def test_every_job_whose_result_may_not_be_saved_counts_as_started(tmp_path: Path, present: Presence) -> None:
    first, second = Marks.opened(present.marks_path, 0), Marks.opened(present.marks_path, 1)
    assert first is not None
    assert second is not None
    for key in range(1, 129):
        first.begin(key, 7, 1.5)
        first.end()
    second.begin(500, 1, 2.0)
    assert started_jobs(tmp_path, "w") == {(key, 7) for key in range(1, 129)} | {(500, 1)}
    assert first.last() == (128, 7, 1.5, 0)
    assert second.last() == (500, 1, 2.0, 1)


def test_a_new_process_in_a_slot_keeps_what_the_old_one_started(tmp_path: Path, present: Presence) -> None:
    for key in (1, 2, 3):
        marks = Marks.opened(present.marks_path, 0)
        assert marks is not None
        marks.begin(key, 1, 0.0)
    assert started_jobs(tmp_path, "w") == {(1, 1), (2, 1), (3, 1)}


def test_a_slot_without_room_for_marks_has_none(present: Presence) -> None:
    assert Marks.opened(present.marks_path, 2) is None
    assert Marks.opened(None, 0) is None
    assert isinstance(present.marks, mmap.mmap)
    assert len(present.marks) == 2 * MARK_SIZE


def test_without_marks_nothing_is_known_of_what_was_started(tmp_path: Path) -> None:
    made = Presence(tmp_path, "threads", 0)
    assert started_jobs(tmp_path, "threads") is None
    made.close()


def test_jobs_side_by_side_have_a_place_each_which_is_given_anew_when_the_pool_has_them_no_more(
    tmp_path: Path, present: Presence
) -> None:
    hand = {1, 2, 3}
    places = Places(present.marks, lambda: hand)
    places.give([1, 2, 3])
    places.begin(1, 7)
    of_child = opened(present.marks_path)
    assert of_child is not None
    mark_place(of_child, places.of(2) or 0, 2, 8)
    assert started_jobs(tmp_path, "w") == {(1, 7), (2, 8)}
    assert [places.begun(key, token) for key, token in ((1, 7), (2, 8), (3, 9), (1, 8))] == [True, True, False, False]

    hand -= {2}
    for key in range(4, 2000):
        places.give([key])
        places.begin(key, 1)
    assert {(1, 7), (1999, 1)} <= started_jobs(tmp_path, "w")
    assert not places.begun(3, 9)


def test_jobs_that_come_together_keep_their_places_when_places_are_given_anew(
    tmp_path: Path, present: Presence
) -> None:
    hand: set[int] = set()
    places = Places(present.marks, lambda: hand)

    for first in range(1, 3000, 3):
        keys = range(first, first + 3)
        places.give(keys)
        hand = set(keys)
        for key in keys:
            places.begin(key, 1)

        assert len({places.of(key) for key in keys} - {None}) == 3
        assert {(key, 1) for key in keys} <= (started_jobs(tmp_path, "w") or set())


def test_as_many_jobs_as_a_pool_may_have_can_be_marked(tmp_path: Path) -> None:
    made = Presence(tmp_path, "many", SLOTS_OF_PLACES)
    keys = range(1, MOST_PLACES + 1)
    places = Places(made.marks, lambda: keys)
    places.give(keys)
    for key in keys:
        places.begin(key, 1)
    assert started_jobs(tmp_path, "many") == {(key, 1) for key in keys}
    made.close()


def test_where_nothing_is_marked_every_job_counts_as_begun() -> None:
    places = Places(None, lambda: ())
    places.give([1])
    assert places.begun(1, 1)
    assert places.of(1) is None


def test_who_died_before_it_was_entered_is_found_by_its_files(tmp_path: Path, present: Presence) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            Presence(tmp_path, "dead", 1)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert abandoned(tmp_path, {"w"}) == ["dead"]
    assert abandoned(tmp_path, {"w", "dead"}) == []
    assert abandoned(tmp_path, set()) == ["dead"]  # this process's own is alive
    remove(tmp_path, "dead")


def test_a_worker_is_dead_when_the_last_of_its_slots_is(tmp_path: Path) -> None:
    hold, let_go = os.pipe()
    told, tell = os.pipe()
    pids = []
    for role in ("worker", "slot"):
        pid = os.fork()
        if pid == 0:
            os.close(let_go)
            if role == "worker":
                Presence(tmp_path, "w", 1)
            elif share_life(str(tmp_path / "w.slots")) is None:
                os._exit(1)
            os.write(tell, b"+")
            # The worker is killed; the slot ends when the pipe does.
            os.read(hold, 1)
            os._exit(0)
        pids.append(pid)
        assert os.read(told, 1) == b"+"
    assert not is_dead(tmp_path, "w")
    os.kill(pids[0], 9)
    os.waitpid(pids[0], 0)
    assert not is_dead(tmp_path, "w")
    os.close(let_go)
    os.waitpid(pids[1], 0)
    until(lambda: is_dead(tmp_path, "w"), "dead")
    for descriptor in (hold, told, tell):
        os.close(descriptor)
