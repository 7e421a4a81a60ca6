"""A crowd that calls at once: each of its calls is written, whether it takes turns or tries by itself."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from localq.exceptions import StoreBusy
from localq.store.sqlite import busy
from localq.store.sqlite.busy import Patience
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, new
from tests.store.together import together

EACH = 150


def calls(number: int, path: str, crowd: int) -> int:
    """Add jobs one by one; return how often this process waited for a turn."""
    busy.CROWD = crowd
    waits, queue = 0, busy.Turnstile.queue

    def counted(self: Any, crowd: int, share: float) -> None:
        nonlocal waits
        waits += 1
        queue(self, crowd, share)

    busy.Turnstile.queue = counted  # type: ignore[method-assign]
    store = SqliteStore(path, "normal")
    for one in range(EACH):
        store.jobs.add([new(f"{number}-{one}")], NOW)
    store.close()
    return waits


@pytest.mark.parametrize("crowd", [1, 1_000])
def test_every_call_of_a_crowd_is_written(tmp_path: Path, crowd: int) -> None:
    path = str(tmp_path / "jobs.db")
    SqliteStore(path).open()
    waits = together(6, calls, path, crowd)

    store = SqliteStore(path)
    assert sum(store.read.stats().counts.values()) == 6 * EACH
    store.close()
    assert bool(sum(waits)) == (crowd == 1 and sys.platform == "linux")


class Turns:
    """Stands for where a crowd takes turns."""

    def __init__(self, waiting: int) -> None:
        self.others, self.waits = waiting, list[str]()

    def waiting(self) -> int:
        return self.others

    def pass_on(self) -> bool:
        return self.others > 0

    def queue(self, crowd: int, share: float) -> None:
        assert crowd == self.others + 1
        assert 0.5 <= share <= 1.5
        self.waits.append("queue")

    def rest(self, seconds: float) -> None:
        self.waits.append("rest")


class Cursor:
    """A cursor of a file that is locked for the first tries."""

    def __init__(self, locked: int) -> None:
        self.locked = locked

    def execute(self, text: str, values: tuple[Any, ...]) -> Cursor:
        self.locked -= 1
        if self.locked >= 0:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return self


def patience(turns: Turns, seconds: float = 60) -> Patience:
    one = Patience("jobs.db", seconds, None)
    one._turnstile = turns  # type: ignore[assignment]
    return one


@pytest.mark.parametrize(
    ("waiting", "in_turn", "waits"),
    [(0, True, "rest"), (6, True, "rest"), (7, True, "queue"), (50, True, "queue"), (50, False, "rest")],
)
def test_a_call_takes_its_turn_in_a_crowd_and_all_else_tries_by_itself(waiting: int, in_turn: bool, waits: str) -> None:
    turns, cursor = Turns(waiting), Cursor(3)

    assert patience(turns).run(cursor, "INSERT", in_turn=in_turn) is cursor
    assert turns.waits == [waits] * 3


def test_who_has_passed_its_turn_on_comes_after_those_who_wait_once() -> None:
    turns, cursor = Turns(50), Cursor(0)
    one = patience(turns)
    one.wrote()

    for _ in range(2):
        one.run(cursor, "INSERT", in_turn=True)
    assert turns.waits == ["queue"]


def test_who_has_passed_its_turn_on_may_do_all_else_at_once() -> None:
    turns = Turns(50)
    one = patience(turns)
    one.wrote()

    one.run(Cursor(0), "BEGIN IMMEDIATE")
    assert turns.waits == []


@pytest.mark.skipif(sys.platform != "linux", reason="others take no turns")
def test_who_waits_for_a_file_that_is_only_being_made_takes_turns_later(tmp_path: Path) -> None:
    one = Patience("jobs.db", 60, tmp_path / "jobs.db.d")
    one.run(Cursor(1), "BEGIN IMMEDIATE")
    assert one._turnstile is None

    (tmp_path / "jobs.db.d").mkdir()
    one.run(Cursor(1), "BEGIN IMMEDIATE")
    assert one._turnstile is not None


def test_where_turns_cannot_be_taken_it_is_tried_again_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "jobs.db.d" / "turns").mkdir(parents=True)
    one, cursor = Patience("jobs.db", 60, tmp_path / "jobs.db.d"), Cursor(3)

    assert one.run(cursor, "INSERT", in_turn=True) is cursor
    assert one._turnstile is None


def test_a_crowd_that_lasts_is_given_up_as_any_wait() -> None:
    with pytest.raises(StoreBusy, match=r"jobs\.db was locked by others for 0 s"):
        patience(Turns(50), seconds=0).run(Cursor(1000), "INSERT", in_turn=True)
