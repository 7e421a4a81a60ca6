"""Locks that the system lets go of when a process dies, however it dies: proof that nobody is left behind a file."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from localq.host.kinds import PORTABLE

__all__ = ["LOCKS", "Locks"]


class Locks(Protocol):
    """The locks of one kind. A worker's are in a folder, under its uuid: one of its own, and one of its slots."""

    def take(self, folder: Path, uuid: str) -> Any:
        """Hold a new worker's lock until `let_go` or this process's end; return what holds it."""
        ...

    def share(self, folder: Path, uuid: str) -> Any:
        """Hold a worker's slots' lock, beside other slots, until this process's end; return what holds it.

        Raises:
            OSError: the worker has none.
        """
        ...

    def unshare(self, folder: Path, uuid: str, pid: int) -> None:
        """Remove what a slot that has ended left of its lock, by the number of its process."""
        ...

    def let_go(self, held: Any) -> None:
        """Let go of a worker's lock; the file stays."""
        ...

    def is_free(self, folder: Path, uuid: str) -> bool:
        """Whether nobody holds a lock of a worker's; False where that is unknown. Never asked by who holds it."""
        ...

    def left(self, folder: Path) -> list[str]:
        """Return the uuids of workers whose locks' files are in a folder.

        Raises:
            OSError: the folder cannot be read.
        """
        ...

    def remove(self, folder: Path, uuid: str) -> None:
        """Remove the files of a worker's locks."""
        ...

    def take_file(self, path: str, text: str) -> Any:
        """Hold the lock of a file, in which a text is written; return what holds it, or None: somebody else does.

        Raises:
            OSError: it cannot be written.
        """
        ...

    def remove_file(self, path: str, held: Any) -> None:
        """Remove a file whose lock is held, and let go of that."""
        ...

    def is_taken(self, path: str) -> bool:
        """Whether somebody holds the lock of a file. Never asked by who holds it.

        Raises:
            OSError: the file is not there.
        """
        ...

    def alone(self, path: str) -> AbstractContextManager[None]:
        """Hold the lock of a file that is made for it; threads and processes wait for each other."""
        ...


def _of_kind() -> Locks:
    name = "portable_locks" if PORTABLE else "posix_locks"
    made: Locks = importlib.import_module(f"localq.host.{name}").LOCKS
    return made


LOCKS = _of_kind()
