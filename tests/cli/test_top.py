"""`localq top`: on a terminal of its own, with keys, and where there is none."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localq import LocalQ
from localq.testing import drain
from tests.cli.terminal import on_terminal
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def failed(q: LocalQ) -> str:
    """Add a job that failed, and one that waits; return the id of the first."""

    @q.task(name="shop.pack")
    def pack(order: int) -> None:
        raise ValueError(f"order {order} is lost\x1b[2J")

    sent = pack.delay(7)
    drain(q)
    q.send_task("shop.mail", ("ann",), queue="mail")
    return str(sent.id)


class Terminal:
    """A terminal of 80 times 24 on which `localq top` runs."""

    def __init__(self, path: str, **environment: str) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        self.before = termios.tcgetattr(slave)
        self.seen = ""
        home = str(Path(__file__).parents[2])
        given = {"PYTHONPATH": home, "TERM": "xterm", **environment}
        self.program = subprocess.Popen(
            [sys.executable, "-m", "localq", "--path", path, "top", "-n", "0.2"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={name: value for name, value in {**os.environ, **given}.items() if name not in ("COLUMNS", "LINES")},
        )  # fmt: skip
        self.slave = slave

    def until(self, text: str) -> None:
        """Read until a text is seen."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen):
            assert time.monotonic() < deadline, self.seen[-4000:]
            if select.select([self.master], [], [], 1.0)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        """Press keys; what is seen afterwards is what came of them."""
        self.seen = ""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.program.poll() is None:
            assert time.monotonic() < deadline, self.seen[-4000:]
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        while select.select([self.master], [], [], 0.1)[0]:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.program.wait()


@pytest.fixture
def terminal(q: LocalQ, failed: str) -> Iterator[Callable[..., Terminal]]:
    """Return a function that opens a terminal."""
    opened: list[Terminal] = []

    def at(**environment: str) -> Terminal:
        opened.append(Terminal(q.location, **environment))
        return opened[-1]

    yield at
    for one in opened:
        with contextlib.suppress(ProcessLookupError):
            one.program.kill()
        one.program.wait()
        os.close(one.master)
        os.close(one.slave)


def test_it_shows_what_goes_on_and_quits_by_a_key(terminal: Callable[..., Terminal], failed: str) -> None:
    top = terminal()
    top.until("q quit")

    assert "\x1b[?1049h" in top.seen
    assert "No worker is alive, and 1 job waits." in top.seen
    assert "order 7 is lost\\x1b" in top.seen
    assert failed[-8:] in top.seen
    top.press("q")
    assert top.end() == 0
    assert "\x1b[?1049l" in top.seen
    assert "Traceback" not in top.seen
    assert termios.tcgetattr(top.slave)[3] == top.before[3]


def test_ctrl_c_quits_as_quietly(terminal: Callable[..., Terminal]) -> None:
    top = terminal()
    top.until("q quit")

    top.program.send_signal(2)

    assert top.end() == 0
    assert "Traceback" not in top.seen


def test_a_job_runs_again_when_it_was_asked_for_and_meant(
    terminal: Callable[..., Terminal], q: LocalQ, failed: str
) -> None:
    top = terminal()
    top.until("q quit")
    top.press("r")
    top.until(f"Run {failed} (shop.pack) again? y/n")
    top.press("n")
    top.until("q quit")
    assert q.store.read.get([failed])[failed].state == 4

    top.press("r")
    top.until("y/n")
    top.press("y")
    top.until("1 job runs again.")

    assert q.store.read.get([failed])[failed].state == 1
    assert q.store.history.changes(1)[0].change[1:4] == ("shell", "retry", failed)


def test_there_are_no_colours_where_nobody_wants_them(terminal: Callable[..., Terminal]) -> None:
    top = terminal(NO_COLOR="1")
    top.until("q quit")

    assert not re.search(r"\x1b\[(\d+;)*3[0-7](;\d+)*m", top.seen)


def test_no_line_is_wider_than_the_terminal(q: LocalQ, failed: str) -> None:
    _, seen = on_terminal("--path", q.location, "top", "--once", columns=80)

    assert max(len(line) for line in seen.splitlines()) <= 80
    assert f"…{failed[-8:]} " in seen


def test_it_prints_once_where_nobody_looks(localq: Callable[..., object], q: LocalQ, failed: str) -> None:
    said = localq("top")

    assert said.exit_code == 0, said.output  # type: ignore[attr-defined]
    assert "QUEUE" in said.stdout  # type: ignore[attr-defined]
    assert "q quit" not in said.stdout  # type: ignore[attr-defined]
    assert "\x1b" not in said.stdout  # type: ignore[attr-defined]


def test_a_terminal_that_cannot_move_its_cursor_is_printed_to_once(terminal: Callable[..., Terminal]) -> None:
    top = terminal(TERM="dumb")

    assert top.end() == 0
    assert "QUEUE" in top.seen
    assert "\x1b" not in top.seen
