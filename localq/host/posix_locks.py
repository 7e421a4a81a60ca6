"""Locks of POSIX: record locks on one file for a worker and its slots.

They belong to the process and are dropped when the process closes *any* descriptor of the file, so a process never
tests its own workers' locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["LOCKS", "PosixLocks"]

_WORKER_BYTE, _SLOTS_BYTE = 0, 1


def _path(folder: Path, uuid: str) -> Path:
    return folder / f"{uuid}.lock"


class PosixLocks:
    """See `localq.host.locks.Locks`; what is held is a descriptor."""

    def take(self, folder: Path, uuid: str) -> int:
        """Hold a new worker's lock."""
        # Locked before it has its name: a lock file that nobody holds is a dead worker's, and never a new one's.
        # The folder keeps strangers out. In one that is a group's, with a umask for that, others of it see a death too.
        unnamed = folder / f"{uuid}.new"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _WORKER_BYTE)
        os.rename(unnamed, _path(folder, uuid))
        return descriptor

    def share(self, folder: Path, uuid: str) -> int:
        """Hold a worker's slots' lock."""
        descriptor = os.open(_path(folder, uuid), os.O_RDWR | os.O_CLOEXEC)
        fcntl.lockf(descriptor, fcntl.LOCK_SH, 1, _SLOTS_BYTE)
        return descriptor

    def unshare(self, folder: Path, uuid: str, pid: int) -> None:
        """Do nothing: slots share one file."""

    def let_go(self, held: int) -> None:
        """Let go of a worker's lock."""
        with contextlib.suppress(OSError):
            os.close(held)

    def is_free(self, folder: Path, uuid: str) -> bool:
        """Whether nobody holds a lock of a worker's."""
        try:
            descriptor = os.open(_path(folder, uuid), os.O_RDWR | os.O_CLOEXEC)
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

    def left(self, folder: Path) -> list[str]:
        """Return the uuids of workers whose locks' files are there."""
        return [name.removesuffix(".lock") for name in os.listdir(folder) if name.endswith(".lock")]

    def remove(self, folder: Path, uuid: str) -> None:
        """Remove the file of a worker's locks."""
        with contextlib.suppress(OSError):
            os.unlink(_path(folder, uuid))

    def take_file(self, path: str, text: str) -> int | None:
        """Hold the lock of a file."""
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                os.close(file)
                return None
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    os.ftruncate(file, 0)
                    os.write(file, text.encode())
                    return file
            # Its last owner removed it meanwhile.
            os.close(file)

    def remove_file(self, path: str, held: int) -> None:
        """Remove a file, before its lock is let go: it would be another's."""
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(held)

    def is_taken(self, path: str) -> bool:
        """Whether somebody holds the lock of a file."""
        with open(path, "rb") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    @contextlib.contextmanager
    def alone(self, path: str) -> Iterator[None]:
        """Hold the lock of a file; unlocked by word, for a child forked meanwhile shares it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


LOCKS = PosixLocks()
