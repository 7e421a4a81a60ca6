"""Which start of this machine this is."""

from __future__ import annotations

import contextlib
import importlib
import socket
import sys
from pathlib import Path

__all__ = ["boot_id"]


def boot_id() -> str:
    """Return what names this start of the machine; leases do not outlive it.

    Where the system has no name for it, a machine's own name stands for all of its starts: locks, which no start
    outlives either, then tell alone that a worker is dead.
    """
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, AttributeError, ValueError):
            named: str | None = importlib.import_module("localq.host.macos").boot_id()
            if named:
                return named
    return f"any start of {socket.gethostname()}"
