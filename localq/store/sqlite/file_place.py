"""What the path of a database file must be like, and what lies beside the file: a folder, its identity, a lock.

No code here opens the database file: `close()` on any descriptor of it would drop SQLite's locks in this process
(https://sqlite.org/howtocorrupt.html 2.2).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from localq.exceptions import StoreDamaged, StoreError, StoreReadOnly
from localq.host.locks import LOCKS
from localq.store.sqlite.filesystem import check_filesystem

__all__ = ["Place", "log_bytes"]

#: No link is followed, and no program that is started gets the descriptor, where a system has a word for it.
_OWN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Place:
    """The place of a database file.

    Args:
        path: The file's real path (no links).
    """

    def __init__(self, path: str) -> None:
        self.path = path
        #: For presence files and bells.
        self.folder = Path(f"{path}.d")
        self._identity = f"{path}.d/id"
        self._file: tuple[int, int] | None = None

    def check(self) -> None:
        """Refuse a path where a database would not be safe, or cannot be; the text says what to do."""
        parent = os.path.dirname(self.path)
        if not os.path.isdir(parent):
            raise StoreError(f"The folder {parent} does not exist. Create it, or choose another path.")
        check_filesystem(parent)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            if not os.access(parent, os.W_OK):
                raise StoreReadOnly(f"{self.path} cannot be created: no right to write in {parent}.") from None
            return
        if stat.S_ISDIR(there.st_mode):
            raise StoreError(f"{self.path} is a folder. Give the path of a file in it, such as jobs.db.")
        if not stat.S_ISREG(there.st_mode):
            raise StoreError(f"{self.path} is not a regular file. Choose another path.")
        if there.st_nlink > 1:
            raise StoreError(
                f"{self.path} has {there.st_nlink} names (hard links); under two names SQLite would use two "
                "logs and lose jobs. Remove the other names."
            )
        if there.st_size == 0 and self.has_identity():
            raise StoreDamaged(
                f"{self.path} is empty, but jobs were kept in it: something cut it to nothing. Restore a backup; "
                f"to start afresh, remove the file and the folder {self.folder}."
            )
        if not os.access(self.path, os.R_OK | os.W_OK):
            raise StoreReadOnly(f"{self.path} cannot be written by this user. Check its owner and mode.")
        if not os.access(parent, os.W_OK):
            raise StoreReadOnly(f"SQLite must write beside {self.path}, but {parent} cannot be written.")

    def keep_in_mind(self) -> None:
        """Keep in mind which file this is, now that it is open."""
        there = os.stat(self.path)
        self._file = there.st_dev, there.st_ino

    def see_again(self) -> None:
        """See that the file that is open still has its name.

        Raises:
            StoreError: it was removed, or another stands in its place: what is written goes nowhere.
        """
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            found = None
        except OSError:
            return
        else:
            found = there.st_dev, there.st_ino
        if found != self._file:
            raise StoreError(
                f"{self.path} was {'removed' if found is None else 'replaced by another file'} while this process used "
                "it: what was written to it since is lost. Stop all that uses a file before it is removed or restored."
            )

    def make_file(self) -> None:
        """Make the file with its mode, under another name first: nothing but SQLite may close a database."""
        with self.alone():
            if not os.path.exists(self.path):
                unnamed = f"{self.path}.new"
                os.close(os.open(unnamed, os.O_CREAT | os.O_WRONLY | _OWN, 0o600))
                os.rename(unnamed, self.path)

    def make_folder(self) -> None:
        """Make the folder beside the file, if it is missing."""
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def has_identity(self) -> bool:
        """Whether a database was here before: it left its own id."""
        return os.path.exists(self._identity)

    def write_identity(self, identity: str) -> None:
        """Keep the database's own id outside it: an empty file where there was one is a loss, not a new start."""
        with open(self._identity, "w", encoding="ascii") as file:
            file.write(identity)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold a lock file while the file is made: the switch to a write-ahead log ignores SQLite's own waiting."""
        with LOCKS.alone(f"{self.path}.lock"):
            yield


def log_bytes(path: str) -> int:
    """Return the size of a file's write-ahead log."""
    try:
        return os.stat(f"{path}-wal").st_size
    except OSError:
        return 0
