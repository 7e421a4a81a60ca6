"""A worker's presence beside the database file: a lock that proves it lives, and marks of what it runs.

The lock is a POSIX record lock on `<uuid>.lock`, held for the worker's life and released by the kernel when its
process dies, however it dies. A peer that gets the lock has proof of death at once; a stopped worker keeps it,
and is covered by its lease alone. POSIX locks belong to the process and are dropped when the process closes *any*
descriptor of the file, so a process never tests its own workers' locks (`_own`).

`<uuid>.slots` is mapped into memory by the worker and its slots: 32 bytes a slot saying which job it started
last. It outlives a kill -9, so that the rescuer charges a crash only to jobs that had really started.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
from pathlib import Path

__all__ = ["MARK", "MARK_SIZE", "Presence", "boot_id", "is_dead", "remove", "started_jobs"]

#: key, run token, started at (steady seconds), running (1) or done (0).
MARK = struct.Struct("=qidi")
MARK_SIZE = 32
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
        slots: The number of marks to make room for.
    """

    def __init__(self, folder: Path, uuid: str, slots: int) -> None:
        self.folder, self.uuid, self._pid = folder, uuid, os.getpid()
        self.marks_path = str(_marks_path(folder, uuid))
        self._lock = os.open(_lock_path(folder, uuid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        _own.add(uuid)
        marks = os.open(self.marks_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(marks, max(1, slots) * MARK_SIZE)
            self.marks = mmap.mmap(marks, max(1, slots) * MARK_SIZE)
        finally:
            os.close(marks)

    def close(self) -> None:
        """Remove both files and release the lock; a copy inherited over a fork leaves them to the parent."""
        with contextlib.suppress(BufferError):
            self.marks.close()
        if self._pid == os.getpid():
            remove(self.folder, self.uuid)
        with contextlib.suppress(OSError):
            os.close(self._lock)
        _own.discard(self.uuid)


def is_dead(folder: Path, uuid: str) -> bool:
    """Whether the worker of that uuid is proven dead: nobody holds its lock. False when that cannot be told."""
    if uuid in _own:
        return False
    try:
        descriptor = os.open(_lock_path(folder, uuid), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # No file is no proof: somebody may have cleared the folder under a live worker. Its lease decides.
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def started_jobs(folder: Path, uuid: str) -> set[tuple[int, int]] | None:
    """Return `(key, run_token)` of the jobs a dead worker had started last, or None when that is not known."""
    try:
        data = _marks_path(folder, uuid).read_bytes()
    except OSError:
        return None
    marks = (MARK.unpack_from(data, at) for at in range(0, len(data) - MARK.size + 1, MARK_SIZE))
    return {(key, token) for key, token, _, running in marks if running}


def remove(folder: Path, uuid: str) -> None:
    """Remove a worker's files."""
    for path in (_lock_path(folder, uuid), _marks_path(folder, uuid)):
        with contextlib.suppress(OSError):
            os.unlink(path)
