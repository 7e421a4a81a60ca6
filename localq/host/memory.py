"""How much memory a program on this computer holds, with all that it has started."""

from __future__ import annotations

import contextlib
import os

__all__ = ["memory_of"]

#: Processes that are looked at, at most: a worker's slots, and what these start.
_MOST = 300
_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_of(pid: int) -> int | None:
    """Return the bytes that a process and its descendants hold; None where that cannot be told, as beside Linux.

    What several of them share, as slots do with their worker, is counted once where the kernel tells.
    """
    held, left, seen = 0, [pid], 0
    while left and seen < _MOST:
        one = left.pop()
        seen += 1
        held += _held(one)
        left += _children(one)
    return held or None


def _held(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(word) for word in file.read().split()]
    return found
