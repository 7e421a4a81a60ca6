"""How much memory a program on this computer holds, with all that it has started."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from typing import Any

__all__ = ["PAGE_BYTES", "count_from_here", "memory_of", "peak_kb", "usage"]

#: Processes that are looked at, at most: a worker's slots, and what these start.
_MOST = 300
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
#: There is none on Windows.
_resource: Any = importlib.import_module("resource") if importlib.util.find_spec("resource") else None
#: Linux counts peak memory in KiB, macOS in bytes.
_PEAK_UNIT = 1024 if sys.platform == "darwin" else 1
#: The peak that was there before this program, in KiB.
_before = 0


def usage() -> dict[str, Any]:
    """Return what this process has used, as the system counts it; nothing where it does not."""
    if _resource is None:
        return {}
    used = _resource.getrusage(_resource.RUSAGE_SELF)
    return {name.removeprefix("ru_"): getattr(used, name) for name in dir(used) if name.startswith("ru_")}


def peak_kb() -> int:
    """Return the most memory that this process has held, in KiB; 0 where that cannot be told."""
    if _resource is None:
        return 0
    peak = int(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss) // _PEAK_UNIT
    return peak if peak > _before else _high_water_kb() or peak


def count_from_here() -> None:
    """Leave out what another program held in this process's place: Linux counts the one that started this, too."""
    global _before
    _before = peak_kb()


def _high_water_kb() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


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
        return int(file.read().split()[1]) * PAGE_BYTES
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(word) for word in file.read().split()]
    return found
