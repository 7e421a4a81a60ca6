"""A worker's presence beside the database file: locks that prove it lives, and the file of its slots' marks.

There is one lock of the worker and one that its slots share (`localq.host.locks`), held for life and released by the
system when a process dies, however it dies. A peer that gets both has proof that no process is left which could start
one of the worker's jobs; a stopped worker keeps its own, and is covered by its lease alone. A process never tests its
own workers' locks (`_own`).
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from localq.host.locks import LOCKS
from localq.host.mapped import mapped
from localq.host.marks import MARK_SIZE, marks_path

__all__ = ["Presence", "abandoned", "end_share", "is_dead", "remove", "share_life"]

_own: set[str] = set()


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
        self._lock = LOCKS.take(folder, uuid)
        if slots:
            try:
                self.marks = mapped(self.marks_path, slots * MARK_SIZE, mode=0o660, anew=True)
            except BaseException:
                self.close()
                raise

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
        LOCKS.let_go(self._lock)
        _own.discard(self.uuid)


def share_life(marks_path: str | None) -> Any:
    """Hold the slots' lock from here to the end of this process; return what holds it, which must be kept."""
    if marks_path is None:
        return None
    with contextlib.suppress(OSError):
        path = Path(marks_path)
        return LOCKS.share(path.parent, path.stem)
    return None


def end_share(marks_path: str | None, pid: int) -> None:
    """Remove what a slot that has ended left of its lock, by the number of its process."""
    if marks_path is not None:
        path = Path(marks_path)
        LOCKS.unshare(path.parent, path.stem, pid)


def is_dead(folder: Path, uuid: str) -> bool:
    """Whether the worker of that uuid and its slots are proven dead: nobody holds a lock. False if that is unknown."""
    if uuid in _own:
        return False
    return LOCKS.is_free(folder, uuid)


def abandoned(folder: Path, known: Collection[str]) -> list[str]:
    """Return the dead workers that left files but are not among the known: they died before they were entered."""
    try:
        found = LOCKS.left(folder)
    except OSError:
        return []
    return [uuid for uuid in found if uuid not in known and is_dead(folder, uuid)]


def remove(folder: Path, uuid: str) -> None:
    """Remove a worker's files."""
    LOCKS.remove(folder, uuid)
    with contextlib.suppress(OSError):
        os.unlink(marks_path(folder, uuid))
