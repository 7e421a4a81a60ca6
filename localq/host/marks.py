"""Marks of what a worker has started, in a file that outlives a kill -9.

`<uuid>.slots` is mapped into memory by the worker and its slots: for each slot a head that says what it runs, and a
ring of the jobs it started last: more than it is ever given before their results are in the store. A pool whose jobs
run side by side in one process uses the rings as one table, in which each of its jobs has a place of its own. So the
rescuer takes back the charge only of jobs that had never been started.

A mark names a job by its key, which is a number, and not by its id: it is written before each run, has its place
whatever an id is like, and is read on this computer only, beside the job itself.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "MARK_SIZE",
    "MOST_PLACES",
    "SLOTS_OF_PLACES",
    "Marked",
    "Marks",
    "Places",
    "mark_lease",
    "mark_place",
    "marks_path",
    "opened",
    "started_jobs",
]


#: The head of a slot's marks: key, run token, started at (steady seconds), running (1) or done (0), jobs started.
_HEAD = struct.Struct("=qidiq")
_RUNNING_AT = 20
#: One started job: key, run token.
_STARTED = struct.Struct("=qq")
_RING = 510
#: Behind the ring: whether the worker reads what the slot's job writes; in eight bytes, so that all else is aligned.
_READING_AT = _HEAD.size + _RING * _STARTED.size
#: Behind that, of the first slot for all: until when the worker's lease lasts, in steady seconds; 0 where it has none.
_UNTIL, _UNTIL_AT = struct.Struct("=d"), _READING_AT + 8
#: Bytes of a slot's marks.
MARK_SIZE = _UNTIL_AT + _UNTIL.size
#: The most jobs that run side by side in a process; and how many slots' rings have a place for each.
MOST_PLACES = 10_000
SLOTS_OF_PLACES = -(-MOST_PLACES // _RING)


def marks_path(folder: Path, uuid: str) -> Path:
    """Return where the marks of a worker's slots are."""
    return folder / f"{uuid}.slots"


def opened(path: str | None) -> mmap.mmap | None:
    """Return the marks of a file, mapped into memory, or None if they cannot be written."""
    if path is None:
        return None
    with contextlib.suppress(OSError, ValueError), open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)
    return None


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
        marks = opened(path)
        with contextlib.suppress(struct.error):
            return None if marks is None else cls(marks, index)
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

    @property
    def read(self) -> bool:
        """Whether the worker reads, for the job that was started last when it began to."""
        return self._marks[self._at + _READING_AT] != 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[Marked]:
        """Return what was started last; what is marked meanwhile does not begin before this is over."""
        self._marks[self._at + _READING_AT] = 1
        try:
            yield self.last()
        finally:
            self.read_no_more()

    def read_no_more(self) -> None:
        """Mark that the worker reads no more, or take it so where it is stopped."""
        self._marks[self._at + _READING_AT] = 0

    def lapsed(self, steady: float) -> bool:
        """Whether the worker's lease is over: what has not begun may be another's already."""
        until: float = _UNTIL.unpack_from(self._marks, _UNTIL_AT)[0]
        return 0 < until <= steady

    def last(self) -> Marked:
        """Return what was started last."""
        return Marked(*_HEAD.unpack_from(self._marks, self._at)[:4])


def _at(place: int) -> int:
    ring, within = divmod(place, _RING)
    return ring * MARK_SIZE + _HEAD.size + within * _STARTED.size


def mark_lease(marks: mmap.mmap, until: float) -> None:
    """Mark until when a worker's slots may begin what they were given, in steady seconds."""
    _UNTIL.pack_into(marks, _UNTIL_AT, until)


def mark_place(marks: mmap.mmap, place: int, key: int, run_token: int) -> None:
    """Mark a job as started, in the place it was given."""
    _STARTED.pack_into(marks, _at(place), key, run_token)


class Places:
    """The places of the jobs that a pool has, in the marks of its worker.

    A place is given anew only when all the others have been since, or are taken: what stands in it is by then in the
    store. So a pool takes jobs after it has given away what ended before, and the worker has written that.

    Args:
        marks: None: nothing is marked, and every job counts as started.
        in_hand: Returns the keys of the jobs that the pool still has.
    """

    def __init__(self, marks: mmap.mmap | None, in_hand: Callable[[], Collection[int]]) -> None:
        self._marks, self._in_hand = marks, in_hand
        self._of: dict[int, int] = {}
        self._free: deque[int] = deque()

    def give(self, keys: Iterable[int]) -> None:
        """Give each of these jobs a place, before any of them can start."""
        if self._marks is None:
            return
        new = list(keys)
        if len(self._free) < len(new):
            # Before the first of them has its place: the pool does not have them yet.
            self._free_again(self._marks)
        for key in new:
            self._of[key] = self._free.popleft()

    def _free_again(self, marks: mmap.mmap) -> None:
        had = self._in_hand()
        self._of = {key: place for key, place in self._of.items() if key in had}
        taken = {*self._of.values(), *self._free}
        self._free.extend(place for place in range(len(marks) // MARK_SIZE * _RING) if place not in taken)

    def of(self, key: int) -> int | None:
        """Return a job's place, or None where nothing is marked."""
        return self._of.get(key)

    def begin(self, key: int, run_token: int) -> None:
        """Mark a job as started."""
        place = self._of.get(key)
        if place is not None and self._marks is not None:
            mark_place(self._marks, place, key, run_token)

    def begun(self, key: int, run_token: int) -> bool:
        """Whether a job has started, or may have."""
        place = self._of.get(key)
        if place is None or self._marks is None:
            return True
        return _STARTED.unpack_from(self._marks, _at(place)) == (key, run_token)


def started_jobs(folder: Path, uuid: str) -> set[tuple[int, int]] | None:
    """Return `(key, run_token)` of what a dead worker had started, and maybe not saved, or None if that is unknown."""
    try:
        data = marks_path(folder, uuid).read_bytes()
    except OSError:
        return None
    rings = range(_HEAD.size, len(data), MARK_SIZE)
    marks = (_STARTED.iter_unpack(data[at : at + _RING * _STARTED.size]) for at in rings)
    return {(key, token) for ring in marks for key, token in ring if key}
