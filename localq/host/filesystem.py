"""Which filesystem a path lies on, in the words of each system; what lies on another computer is said to be remote."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

__all__ = ["filesystem_of", "in_mount_table"]

#: Systems that are asked by calls of their own; loaded late, as ctypes takes its time and Linux has no need of it.
_BY_CALLS = {"darwin": "localq.host.macos", "win32": "localq.host.windows"}


def filesystem_of(path: str) -> str | None:
    """Return the type of the filesystem that a path lies on, or None where the system does not say.

    Args:
        path: A real path (no links).
    """
    own = _BY_CALLS.get(sys.platform)
    try:
        if own is None:
            return in_mount_table(path, Path("/proc/self/mountinfo").read_text())
        kind: str | None = importlib.import_module(own).filesystem_of(path)
        return kind
    except (OSError, AttributeError, ValueError):
        return None


def in_mount_table(path: str, mountinfo: str) -> str | None:
    """Return the type of the filesystem that a path lies on by a mount table of Linux; None where it is in none."""
    best, kind = "", None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m.group(1), 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind
