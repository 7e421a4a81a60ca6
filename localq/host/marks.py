"""Marks of what a worker's slots have started, in a file that outlives a kill -9.

`<uuid>.slots` is mapped into memory by the worker and its slots: for each slot a head that says what it runs, and a
ring of the jobs it started last: more than it is ever given before their results are in the store. So the rescuer
takes back the charge only of jobs that had never been started.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from pathlib import Path
from typing import NamedTuple

__all__ = ["MARK_SIZE", "Marked", "Marks", "marks_path", "started_jobs"]


#: The head of a slot's marks: key, run token, started at (steady seconds), running (1) or done (0), jobs started.
_HEAD = struct.Struct("=qidiq")
_RUNNING_AT = 20
#: One started job: key, run token.
_STARTED = struct.Struct("=qq")
_RING = 254
#: Bytes of a slot's marks.
MARK_SIZE = _HEAD.size + _RING * _STARTED.size


def marks_path(folder: Path, uuid: str) -> Path:
    """Return where the marks of a worker's slots are."""
    return folder / f"{uuid}.slots"


class Marked(NamedTuple):
    """What a slot started last. `started_at` is in steady seconds."""

    key: int
    run_token: int
    started_at: float
    running: int


class Marks:
    """The marks of one slot, as the slot writes them and its worker reads them."""

    def __init__(self, marks: mmap.mmap, index: int) -> None:
        self._marks, self._at = marks, index * MARK_SIZE
        # A new process in an old one's place goes on where that ended: the worker may not have saved its results.
        self._count = _HEAD.unpack_from(marks, self._at)[4]

    @classmethod
    def opened(cls, path: str | None, index: int) -> Marks | None:
        """Return a slot's marks in a file, or None if they cannot be written."""
        if path is None:
            return None
        with contextlib.suppress(OSError, ValueError, struct.error), open(path, "r+b") as file:
            return cls(mmap.mmap(file.fileno(), 0), index)
        return None

    def begin(self, key: int, run_token: int, steady: float) -> None:
        """Mark a job as started."""
        at, count = self._at, self._count
        self._count = count + 1
        _STARTED.pack_into(self._marks, at + _HEAD.size + count % _RING * _STARTED.size, key, run_token)
        _HEAD.pack_into(self._marks, at, key, run_token, steady, 1, count + 1)

    def end(self) -> None:
        """Mark that the job is over and reported."""
        self._marks[self._at + _RUNNING_AT] = 0

    def last(self) -> Marked:
        """Return what was started last."""
        return Marked(*_HEAD.unpack_from(self._marks, self._at)[:4])


def started_jobs(folder: Path, uuid: str) -> set[tuple[int, int]] | None:
    """Return `(key, run_token)` of what a dead worker had started, and maybe not saved, or None if that is unknown."""
    try:
        data = marks_path(folder, uuid).read_bytes()
    except OSError:
        return None
    rings = range(_HEAD.size, len(data), MARK_SIZE)
    marks = (_STARTED.iter_unpack(data[at : at + _RING * _STARTED.size]) for at in rings)
    return {(key, token) for ring in marks for key, token in ring if key}
