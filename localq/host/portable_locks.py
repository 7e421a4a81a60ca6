"""Locks that every system has, by the library filelock: a file for a worker, and one for each of its slots."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

__all__ = ["LOCKS", "PortableLocks"]

_ENDING = ".lock"
# It tells of every lock, which nobody means who asks a worker for its debug lines.
if logging.getLogger("filelock").level == logging.NOTSET:
    logging.getLogger("filelock").setLevel(logging.INFO)


def _path(folder: Path, uuid: str) -> Path:
    return folder / f"{uuid}{_ENDING}"


def _try(path: Path | str) -> BaseFileLock | None:
    """Return the lock of a file, held; None where somebody else holds it."""
    lock: BaseFileLock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


class PortableLocks:
    """See `localq.host.locks.Locks`."""

    def take(self, folder: Path, uuid: str) -> BaseFileLock:
        """Hold a new worker's lock."""
        lock = _try(_path(folder, uuid))
        if lock is None:
            raise OSError(f"the lock of the new worker {uuid} is held by somebody else")
        return lock

    def share(self, folder: Path, uuid: str) -> BaseFileLock:
        """Hold the lock of a worker's slot, this process."""
        os.stat(_path(folder, uuid))
        lock = _try(_path(folder, f"{uuid}.{os.getpid()}"))
        if lock is None:
            raise OSError(f"the lock of process {os.getpid()} of worker {uuid} is held by somebody else")
        return lock

    def unshare(self, folder: Path, uuid: str, pid: int) -> None:
        """Remove the file of a slot's lock."""
        with contextlib.suppress(OSError):
            os.unlink(_path(folder, f"{uuid}.{pid}"))

    def let_go(self, held: BaseFileLock) -> None:
        """Let go of a worker's lock."""
        with contextlib.suppress(OSError):
            held.release(force=True)

    def is_free(self, folder: Path, uuid: str) -> bool:
        """Whether nobody holds a lock of a worker's."""
        try:
            if not _path(folder, uuid).exists():
                return False
            return all(self._is_free(path) for path in (_path(folder, uuid), *self._of_slots(folder, uuid)))
        except OSError:
            return False

    def _is_free(self, path: Path) -> bool:
        lock = _try(path)
        if lock is not None:
            lock.release()
        return lock is not None

    def _of_slots(self, folder: Path, uuid: str) -> list[Path]:
        return sorted(folder.glob(f"{uuid}.*{_ENDING}"))

    def left(self, folder: Path) -> list[str]:
        """Return the uuids of workers whose locks' files are there."""
        names = [name.removesuffix(_ENDING) for name in os.listdir(folder) if name.endswith(_ENDING)]
        return [name for name in names if "." not in name]

    def remove(self, folder: Path, uuid: str) -> None:
        """Remove the files of a worker's locks."""
        for path in (*self._of_slots(folder, uuid), _path(folder, uuid)):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def take_file(self, path: str, text: str) -> BaseFileLock | None:
        """Hold the lock beside a file: on Windows nobody else could read one that is locked."""
        lock = _try(f"{path}{_ENDING}")
        if lock is not None:
            Path(path).write_text(text, encoding="ascii")
        return lock

    def remove_file(self, path: str, held: BaseFileLock) -> None:
        """Remove a file, then let go of its lock."""
        with contextlib.suppress(OSError):
            os.unlink(path)
        held.release(force=True)
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{_ENDING}")

    def is_taken(self, path: str) -> bool:
        """Whether somebody holds the lock of a file."""
        os.stat(path)
        return os.path.exists(f"{path}{_ENDING}") and not self._is_free(Path(f"{path}{_ENDING}"))

    @contextlib.contextmanager
    def alone(self, path: str) -> Iterator[None]:
        """Hold the lock of a file."""
        with FileLock(path, mode=0o600):
            yield


LOCKS = PortableLocks()
