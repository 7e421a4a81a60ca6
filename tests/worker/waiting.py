"""Waiting in tests: for a fact, with a deadline; never for a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds after which what a test waits for counts as lost: many times what it takes on a machine that does much else.
#: Shorter bounds are for what is expected not to come.
DEADLINE_S = 120
#: The same of a whole program, which may wait for several things one after the other.
PROGRAM_S = 4 * DEADLINE_S


def until(fact: Callable[[], T], seconds: float = DEADLINE_S) -> T:
    """Return what `fact` returns as soon as that is true; fail after a deadline."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.005)
    return found


def hold(gate: Path, seconds: float = DEADLINE_S) -> None:
    """Keep a task busy until a file appears."""
    until(gate.exists, seconds)


def shows(result: Any, state: str) -> Any:
    """Wait until a job shows a state; return what it says with it."""
    until(lambda: result.state == state)
    return result.info


def alive(pid: int) -> bool:
    """Whether a process runs, a zombie not counted."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def own_pid() -> int:
    """Return the process's id."""
    return os.getpid()
