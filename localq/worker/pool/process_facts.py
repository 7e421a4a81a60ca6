"""Facts of a slot's process: how it ended, whether it ever was ready, what memory it uses, what it passes over."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

from localq.host.memory import PAGE_BYTES

__all__ = ["Stillborn", "how_ended", "pass_over", "resident_kb"]

#: Seconds in which processes that never were ready are counted.
_WINDOW_S = 60


def how_ended(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory?)" if code == -9 else ""
    return f"was killed by {name}{hint}"


def resident_kb(pid: int) -> int:
    """Return the memory a process holds, in KiB; 0 if that cannot be told."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE_BYTES // 1024
    return 0


def pass_over(number: int, frame: FrameType | None) -> None:
    """Do nothing about a signal; one that is ignored instead is ignored by all that a task starts, too."""


class Stillborn:
    """Processes that died before they were ready: so many within a minute, and a pool gives up.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._died: list[float] = []

    def too_many(self, steady: float) -> bool:
        """Count one; return whether there are too many of them."""
        self._died = [then for then in self._died if steady - then < _WINDOW_S] + [steady]
        return len(self._died) >= self._most
