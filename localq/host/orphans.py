"""Orphans of process 1: in a container without an init, whatever a task left behind becomes the worker's child."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["reap_orphans"]


def reap_orphans() -> int:
    """As process 1, let go of processes that have ended and whose parents ended before them; return how many.

    Only of those from the session of another process, as all are that tasks in processes start: what this program
    started itself is in its own session, or leads one, and who started it may yet ask for its exit code.
    """
    if os.getpid() != 1 or not _any_ended():
        return 0
    mine, count = os.getsid(0), 0
    for pid in _ended():
        with contextlib.suppress(OSError):
            if os.getsid(pid) not in (mine, pid):
                count += os.waitpid(pid, os.WNOHANG)[0] == pid
    return count


def _any_ended() -> bool:
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def _ended() -> list[int]:
    """Return the children that have ended and were not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        # They come and go.
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if (state, parent) == ("Z", "1"):
                found.append(int(path.parent.name))
    return found
