"""A worker's presence beside the database file: locks that prove it lives, and the file of its slots' marks.

The locks are POSIX record locks on `<uuid>.lock`, one of the worker and one that its slots share, held for life
and released by the kernel when a process dies, however it dies. A peer that gets both has proof that no process is
left which could start one of the worker's jobs; a stopped worker keeps its own, and is covered by its lease alone.
POSIX locks belong to the process and are dropped when the process closes *any* descriptor of the file, so a process
never tests its own workers' locks (`_own`).
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Collection
from pathlib import Path

from localq.host.marks import MARK_SIZE, marks_path

__all__ = ["Presence", "abandoned", "boot_id", "is_dead", "remove", "share_life"]

_WORKER_BYTE, _SLOTS_BYTE = 0, 1
_own: set[str] = set()


def boot_id() -> str:
    """Return what names this boot of the machine; leases do not outlive it."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


def _lock_path(folder: Path, uuid: str) -> Path:
    return folder / f"{uuid}.lock"


class Presence:
    """The presence of a worker of this process.

    Args:
        folder: The store's folder.
        uuid: The worker's own.
        slots: The number of slots whose marks have room; 0: nothing is marked, and all that was claimed counts as
            started.
    """

    marks: mmap.mmap | None = None

    def __init__(self, folder: Path, uuid: str, slots: int) -> None:
        self.folder, self.uuid, self._pid = folder, uuid, os.getpid()
        self.marks_path = str(marks_path(folder, uuid))
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
    for path in (_lock_path(folder, uuid), marks_path(folder, uuid)):
        with contextlib.suppress(OSError):
            os.unlink(path)
