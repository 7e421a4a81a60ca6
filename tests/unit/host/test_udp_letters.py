"""Bells by UDP, for systems without Unix sockets: as those of `tests/store/test_bells.py`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq.host.bells import HostBell, Ringer
from localq.host.udp_letters import UdpLetters
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def letters() -> UdpLetters:
    return UdpLetters()


@pytest.fixture
def bell(tmp_path: Path, letters: UdpLetters) -> Iterator[HostBell]:
    made = HostBell(tmp_path, "w", letters)
    yield made
    made.close()


@pytest.fixture
def ringer(tmp_path: Path) -> Iterator[Ringer]:
    made = Ringer(tmp_path, UdpLetters())
    yield made
    made.close()


def test_a_ring_wakes_a_sleeper_and_the_bell_stays_rung_until_it_is_drained(bell: HostBell, ringer: Ringer) -> None:
    assert not bell.wait(0)
    threading.Timer(0.05, lambda: ringer.say("w", ["one", "two"])).start()
    assert bell.wait(DEADLINE_S)
    assert bell.wait(0)
    assert bell.drain() == ["one", "two"]
    assert not bell.wait(0)


def test_only_bells_of_the_kind_are_rung_and_of_a_word_those_that_listen_for_it(
    tmp_path: Path, bell: HostBell, ringer: Ringer, letters: UdpLetters
) -> None:
    results, choosy = HostBell(tmp_path, "r", letters), HostBell(tmp_path, "r", letters)
    choosy.listen_for("mine")
    ringer.say("r", ["other"])
    assert results.wait(DEADLINE_S)
    assert results.drain() == ["other"]
    assert not choosy.wait(0)
    ringer.say("r", ["mine"])
    assert choosy.wait(DEADLINE_S)
    assert choosy.drain() == ["mine"]
    assert not bell.wait(0)
    results.close()
    choosy.close()


def test_a_letter_without_the_secret_is_not_heard(bell: HostBell, ringer: Ringer) -> None:
    port = int(Path(bell.path).read_text().split()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"forged and long enough for a secret", ("127.0.0.1", port))
        stranger.sendto(b"", ("127.0.0.1", port))
    ringer.say("w", ["true"])
    assert bell.wait(DEADLINE_S)
    assert bell.drain() == ["true"]


def test_a_bell_s_secret_is_for_its_user_alone(bell: HostBell) -> None:
    assert os.stat(bell.path).st_mode & 0o077 == 0


def test_a_closed_bell_is_gone_and_ringing_it_is_no_error(tmp_path: Path, bell: HostBell, ringer: Ringer) -> None:
    ringer.ring("w")
    bell.close()
    assert list(tmp_path.iterdir()) == []
    ringer.ring("w")
    assert ringer.tell("w", b"x") == []
    assert not ringer.hung("w")


def test_bells_of_processes_that_have_died_are_taken_down_by_the_next(tmp_path: Path, letters: UdpLetters) -> None:
    code = (
        "import os, sys; from pathlib import Path; from localq.host.bells import HostBell; "
        "from localq.host.udp_letters import UdpLetters; "
        "bell = HostBell(Path(sys.argv[1]), 'w', UdpLetters()); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert len(list(tmp_path.iterdir())) == 1
    mine = HostBell(tmp_path, "w", letters)
    assert [str(path) for path in tmp_path.iterdir()] == [mine.path]
    mine.close()


def test_bells_of_processes_that_have_died_are_taken_down_by_who_rings(
    tmp_path: Path, bell: HostBell, ringer: Ringer
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f"w-{ended.pid}-0-abcdef").write_text(f"9 {b'secret'.hex()}")

    ringer.say("w", ["word"])

    assert bell.wait(DEADLINE_S)
    assert [str(path) for path in tmp_path.iterdir()] == [bell.path]


def test_a_file_that_says_no_port_is_no_bell(tmp_path: Path, ringer: Ringer) -> None:
    (tmp_path / f"w-{os.getpid()}-0-abcdef").write_text("nonsense")
    ringer.ring("w")
    assert not any(tmp_path.iterdir())


def test_what_is_sent_arrives_whole(bell: HostBell, ringer: Ringer) -> None:
    assert ringer.tell("w", b"x" * 60_000) == []
    assert bell.wait(DEADLINE_S)
    assert bell.receive() == [b"x" * 60_000]
