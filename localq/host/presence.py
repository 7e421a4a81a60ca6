"""A worker's presence beside the database file: locks that prove it lives, and marks of what it has started.

The locks are POSIX record locks on `<uuid>.lock`, one of the worker and one that its slots share, held for life
and released by the kernel when a process dies, however it dies. A peer that gets both has proof that no process is
left which could start one of the worker's jobs; a stopped worker keeps its own, and is covered by its lease alone.
POSIX locks belong to the process and are dropped when the process closes *any* descriptor of the file, so a process
never tests its own workers' locks (`_own`).

`<uuid>.slots` is mapped into memory by the worker and its slots: for each slot a head that says what it runs, and a
ring of the jobs it started last: more than it is ever given before their results are in the store. It outlives a
kill -9, so that the rescuer takes back the charge only of jobs that had never been started.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "MARK_SIZE",
    "Marked",
    "Marks",
    "Presence",
    "abandoned",
    "boot_id",
    "is_dead",
    "remove",
    "share_life",
    "started_jobs",
]

#: The head of a slot's marks: key, run token, started at (steady seconds), running (1) or done (0), jobs started.
_HEAD = struct.Struct("=qidiq")
_RUNNING_AT = 20
#: One started job: key, run token.
_STARTED = struct.Struct("=qq")
_RING = 254
#: Bytes of a slot's marks.
MARK_SIZE = _HEAD.size + _RING * _STARTED.size
_WORKER_BYTE, _SLOTS_BYTE = 0, 1
_own: set[str] = set()


def boot_id() -> str:
    """Return what names this boot of the machine; leases do not outlive it."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


def _lock_path(folder: Path, uuid: str) -> Path:
    return folder / f"{uuid}.lock"


def _marks_path(folder: Path, uuid: str) -> Path:
    return folder / f"{uuid}.slots"


class Presence:
    """The presence of a worker of this process.

    Args:
        folder: The store's folder.
        uuid: The worker's own.
        slots: The number of slots that mark what they start; 0: none does, and all that was claimed counts as
            started.
    """

    marks: mmap.mmap | None = None

    def __init__(self, folder: Path, uuid: str, slots: int) -> None:
        self.folder, self.uuid, self._pid = folder, uuid, os.getpid()
        self.marks_path = str(_marks_path(folder, uuid))
        _own.add(uuid)
        # Locked before it has its name: a lock file that nobody holds is a dead worker's, and never a new one's.
        unnamed = folder / f"{uuid}.new"
        self._lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _WORKER_BYTE)
        os.rename(unnamed, _lock_path(folder, uuid))
        if slots:
            try:
                self.marks = self._mapped(slots * MARK_SIZE)
            except BaseException:
                self.close()
                raise

    def _mapped(self, size: int) -> mmap.mmap:
        marks = os.open(self.marks_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # A file with holes would end the process by SIGBUS when it is written to and the disk is full.
            os.posix_fallocate(marks, 0, size)
            return mmap.mmap(marks, size)
        finally:
            os.close(marks)

    def close(self) -> None:
        """Remove both files and release the lock; a copy inherited over a fork leaves them to the parent."""
        if self.marks is not None:
            with contextlib.suppress(BufferError):
                self.marks.close()
        if self._pid == os.getpid():
            remove(self.folder, self.uuid)
        self.leave()

    def leave(self) -> None:
        """Release the lock and let both files lie: proof of a death, and word of what had started, for the rescuer."""
        with contextlib.suppress(OSError):
            os.close(self._lock)
        _own.discard(self.uuid)


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


def share_life(marks_path: str | None) -> int | None:
    """Hold the slots' lock from here to the end of this process; return its descriptor, which must stay open."""
    if marks_path is None:
        return None
    with contextlib.suppress(OSError):
        descriptor = os.open(Path(marks_path).with_suffix(".lock"), os.O_RDWR | os.O_CLOEXEC)
        fcntl.lockf(descriptor, fcntl.LOCK_SH, 1, _SLOTS_BYTE)
        return descriptor
    return None


def is_dead(folder: Path, uuid: str) -> bool:
    """Whether the worker of that uuid and its slots are proven dead: nobody holds a lock. False if that is unknown."""
    if uuid in _own:
        return False
    try:
        descriptor = os.open(_lock_path(folder, uuid), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # No file is no proof: somebody may have cleared the folder under a live worker. Its lease decides.
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 2, _WORKER_BYTE)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def started_jobs(folder: Path, uuid: str) -> set[tuple[int, int]] | None:
    """Return `(key, run_token)` of what a dead worker had started, and maybe not saved, or None if that is unknown."""
    try:
        data = _marks_path(folder, uuid).read_bytes()
    except OSError:
        return None
    rings = range(_HEAD.size, len(data), MARK_SIZE)
    marks = (_STARTED.iter_unpack(data[at : at + _RING * _STARTED.size]) for at in rings)
    return {(key, token) for ring in marks for key, token in ring if key}


def abandoned(folder: Path, known: Collection[str]) -> list[str]:
    """Return the dead workers that left files but are not among the known: they died before they were entered."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [name.removesuffix(".lock") for name in names if name.endswith(".lock")]
    return [uuid for uuid in found if uuid not in known and is_dead(folder, uuid)]


def remove(folder: Path, uuid: str) -> None:
    """Remove a worker's files."""
    for path in (_lock_path(folder, uuid), _marks_path(folder, uuid)):
        with contextlib.suppress(OSError):
            os.unlink(path)
