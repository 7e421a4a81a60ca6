"""A crowd takes turns: who waits is woken when a turn is over, or goes on by itself; nobody can hold the others up."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq.host import turnstile
from localq.host.turnstile import CROWD, Turnstile
from tests.store.together import together

DEADLINE_S = 60.0
#: A share of the time that no test waits for.
LONG = 1e4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others cannot wake who waits, and do not try")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "turns"


@pytest.fixture
def threads() -> Iterator[list[threading.Thread]]:
    started: list[threading.Thread] = []
    yield started
    for thread in started:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def passed_on(turns: Turnstile) -> bool:
    """Pass on until somebody is woken; False if nobody ever is."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if turns.pass_on():
            return True
        time.sleep(0.001)
    return False


def queue(threads: list[threading.Thread], path: Path, share: float) -> None:
    thread = threading.Thread(target=lambda: Turnstile(path).queue(CROWD, share))
    thread.start()
    threads.append(thread)


def test_where_nobody_waits_no_turn_is_passed_on(path: Path) -> None:
    turns = Turnstile(path)

    assert turns.waiting() == 0
    assert not turns.pass_on()


def test_who_waits_is_woken(path: Path, threads: list[threading.Thread]) -> None:
    queue(threads, path, LONG)

    assert passed_on(Turnstile(path))


def test_each_of_several_has_its_turn(path: Path, threads: list[threading.Thread]) -> None:
    turns = Turnstile(path)
    for _ in range(3):
        queue(threads, path, LONG)

    assert [passed_on(turns) for _ in range(3)] == [True] * 3
    assert not turns.pass_on()


def test_a_turn_is_not_passed_on_before_it_is_over(
    path: Path, threads: list[threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turnstile(path)
    for _ in range(2):
        queue(threads, path, LONG)
    assert passed_on(turns)
    with monkeypatch.context() as patched:
        patched.setattr(turnstile, "_TURN_NS", 1 << 62)
        assert not turns.pass_on()

    assert passed_on(turns)


def test_its_file_has_no_holes_which_a_full_disk_could_not_fill(path: Path) -> None:
    Turnstile(path)

    assert path.stat().st_size > 0
    assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_what_is_said_in_its_file_stays_when_others_come(path: Path, threads: list[threading.Thread]) -> None:
    queue(threads, path, LONG)
    until = time.monotonic() + DEADLINE_S
    while not Turnstile(path).waiting() and time.monotonic() < until:
        time.sleep(0.001)

    assert Turnstile(path).waiting() == 1
    assert passed_on(Turnstile(path))


def test_who_is_not_woken_goes_on_by_itself(path: Path) -> None:
    turns = Turnstile(path)

    turns.queue(CROWD, 0.001)

    assert turns.waiting() == 0


def counts_others(number: int, path: str) -> int:
    """Wait for a while, and see how many wait beside this process."""
    turns, until, most = Turnstile(Path(path)), time.monotonic() + DEADLINE_S, 0
    waiter = threading.Thread(target=turns.queue, args=(CROWD, LONG))
    waiter.start()
    while most < 3 and time.monotonic() < until:
        most = max(most, turns.waiting())
        time.sleep(0.001)
    while waiter.is_alive() and time.monotonic() < until:
        passed_on(turns)
        waiter.join(0.01)
    return most


def test_it_is_known_how_many_processes_wait(path: Path) -> None:
    assert together(3, counts_others, str(path)) == [3, 3, 3]


def test_who_dies_while_it_waits_is_in_nobodys_way(path: Path, threads: list[threading.Thread]) -> None:
    child = os.fork()
    if not child:
        Turnstile(path).queue(CROWD, LONG)
        os._exit(0)
    turns, until = Turnstile(path), time.monotonic() + DEADLINE_S
    while not turns.waiting() and time.monotonic() < until:
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    queue(threads, path, LONG)

    assert passed_on(turns)


def test_a_system_that_cannot_wake_who_waits_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "some other")
    turnstile._futex.cache_clear()
    try:
        with pytest.raises(OSError, match="cannot be woken"):
            Turnstile(path)
    finally:
        turnstile._futex.cache_clear()
    assert not path.exists()
