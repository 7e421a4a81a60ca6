"""The witness outside the database: lines appended to files, one file a kind, by whoever sees something happen.

A line is written by one `write` to a descriptor opened with O_APPEND: whole or not at all, whatever dies.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Ack", "Run", "acked", "append", "ended", "read", "started"]


class Ack(NamedTuple):
    """A client was told that its job is in."""

    job_id: str
    task: str
    number: int


class Run(NamedTuple):
    """A task's code has begun, or is over: in process `pid`, a child of `parent`."""

    job_id: str
    attempt: int
    pid: int
    parent: int


def append(path: Path | str, entry: Any, *, sync: bool = False) -> None:
    """Append an entry."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(entry).encode() + b"\n")
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Any]:
    """Return every entry, first to last."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def acked(folder: Path) -> list[Ack]:
    """Return what clients were told."""
    return [Ack(*entry) for entry in read(folder / "acks")]


def started(folder: Path) -> list[Run]:
    """Return every run that began."""
    return [Run(*entry) for entry in read(folder / "starts")]


def ended(folder: Path) -> list[Run]:
    """Return every run whose code came to its end."""
    return [Run(*entry) for entry in read(folder / "ends")]
