"""What ran and when: each run appends a number and a time to one file, by one write, whoever runs it."""

from __future__ import annotations

import os
import struct
import time

_ENTRY = struct.Struct("<qq")
_file: int | None = None


def note(number: int) -> None:
    """Write down that a run has begun."""
    global _file
    if _file is None:
        _file = os.open(os.environ["PEER_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(_file, _ENTRY.pack(number, time.monotonic_ns()))


def entries(path: str) -> list[tuple[int, int]]:
    """Return the runs in the order in which they began: number and nanoseconds."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        data = file.read()
    return list(_ENTRY.iter_unpack(data[: len(data) // _ENTRY.size * _ENTRY.size]))


def count(path: str) -> int:
    """Return the number of runs so far."""
    return os.stat(path).st_size // _ENTRY.size if os.path.exists(path) else 0
