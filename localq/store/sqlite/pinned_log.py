"""A log that nobody begins anew, so that it can be written back while others commit.

SQLite up to 3.51.2 can lose pages where a commit begins the log anew at the moment another checkpoint begins
(https://sqlite.org/wal.html#walresetbug). No commit does that while somebody reads from the log. But who finds all of
it written back reads the file alone, and is in no commit's way. So there are two readers: while the first is there,
whatever it reads, a page is committed that nobody can write back as long as it stays; the second then reads from the
log for sure, and the first may go.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

from localq.model import failpoints

__all__ = ["PinnedLog"]

#: How often the log is written back at most, and how few pages that have come meanwhile may be left.
_ROUNDS = 4
_FEW_PAGES = 256


class PinnedLog:
    """The pin of a file's log.

    Args:
        connect: Makes a connection to the file.
        begin: Lets a connection begin to read.
        commit: Commits a page, by another connection.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        begin: Callable[[sqlite3.Connection], object],
        commit: Callable[[], object],
    ) -> None:
        self._connect, self._begin, self._commit = connect, begin, commit
        self._readers: list[sqlite3.Connection] = []

    def write_back(self, checkpoint: Callable[[], int]) -> None:
        """Write back what is in the log, then what came meanwhile, until little is left; let go of the log.

        Args:
            checkpoint: Writes back what can be, and returns the pages in the log.
        """
        try:
            before = 0
            for _ in range(_ROUNDS):
                self.renew()
                failpoints.point("store.pinned")
                pages = checkpoint()
                if pages - before < _FEW_PAGES:
                    break
                before = pages
        finally:
            self.close()

    def renew(self) -> None:
        """Pin the log as it is now: what is in it can be written back, and none of it goes away."""
        if not self._readers:
            self._read()
        self._commit()
        self._read()
        self._end(self._readers.pop(0))

    def _read(self) -> None:
        reader = self._connect()
        self._readers.append(reader)
        self._begin(reader)

    def close(self) -> None:
        """Let go of the log."""
        while self._readers:
            self._end(self._readers.pop())

    def _end(self, reader: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error):
            reader.rollback()
        reader.close()
