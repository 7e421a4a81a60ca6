"""Facts of a slot's process: how it ended, and what memory it uses."""

from __future__ import annotations

import contextlib
import os
import signal

__all__ = ["how_ended", "resident_kb"]

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def how_ended(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"


def resident_kb(pid: int) -> int:
    """Return the memory a process holds, in KiB; 0 if that cannot be told."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE_KB
    return 0
