"""One SQLite file: opening it safely, transactions, and the upkeep of the file and its log.

No code opens or closes the database file other than through SQLite: `close()` on any descriptor of it would drop
SQLite's locks in this process (https://sqlite.org/howtocorrupt.html 2.2). No connection crosses a fork: a child
leaves the inherited one alone, unclosed, and opens its own.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from pathlib import Path
from time import monotonic
from typing import Any

from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model import failpoints
from localq.store.forks import Held, keep_for_ever
from localq.store.sql.database import Database
from localq.store.sqlite.borrowed import BorrowedDatabase
from localq.store.sqlite.busy import BUSY_TIMEOUT_S, Patience
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.errors import explained
from localq.store.sqlite.file_format import create, recognise
from localq.store.sqlite.file_place import Place
from localq.store.sqlite.log_file import bytes_in_log
from localq.store.sqlite.pinned_log import PinnedLog
from localq.store.sqlite.writeback import begin_writeback, finish_writeback

__all__ = ["SqliteDatabase"]

#: A write-ahead log with more in it than this (bytes) is checkpointed; by programs without a worker at twice as much.
CHECKPOINT_BYTES = 16 << 20
#: What the file of a log that was written back is cut to (bytes); see `log_file`.
_LOG_KEPT_BYTES = 2 * CHECKPOINT_BYTES + (4 << 20)
#: Commits of a process without a worker between two looks at the log.
_LOOK_EVERY = 128
#: Seconds between two looks, by who writes, whether the file is still there.
_SEEN_FOR_S = 1.0
#: Unused pages a file may keep; beyond these, and a quarter of it, they are given back, so many at a time.
SPARE_PAGES = 1024
_GIVEN_BACK_AT_ONCE = 256
_DURABILITY = {"full": "FULL", "normal": "NORMAL"}
#: Files of which this process inherited a lock, from a thread of its parent, that nobody here will ever let go of.
_LOST_FILES: set[str] = set()


class SqliteDatabase(Database):
    """A SQLite file, or a database in memory for one process.

    Args:
        path: The file, made with mode 0600 if missing; or ":memory:".
        durability: "full" fsyncs every commit; "normal" may lose the last commits at a power cut (never at a
            kill), which for a worker only repeats runs.
    """

    def __init__(
        self, path: str | os.PathLike[str], durability: str = "full", patience_s: float = BUSY_TIMEOUT_S
    ) -> None:
        super().__init__(SQLITE)
        if durability not in _DURABILITY:
            raise ImproperlyConfigured(f"durability is {durability!r}; it must be 'full' or 'normal'")
        #: For presence files and bells; there once the database is open.
        self.folder: Path
        self.memory = os.fspath(path) == ":memory:"
        self.path = ":memory:" if self.memory else os.path.realpath(os.fsdecode(path))
        self._log = f"{self.path}-wal"
        self._synchronous = _DURABILITY[durability]
        self._place = Place(self.path)
        self._patience = Patience(self.path, patience_s, None if self.memory else self._place.folder)
        self._patiently = self._patience.run
        self._connection: sqlite3.Connection | None = None
        self._checkpointer: sqlite3.Connection | None = None
        self._sweep: weakref.finalize[..., SqliteDatabase] | None = None
        self._version = 0
        self._writing_back = threading.RLock()
        #: The log as it was when last tended.
        self._tended = -1, 0
        self._commits = 0
        #: When to see again whether the file is still there, in steady seconds.
        self._see_at = 0.0

    # Opening and closing

    def open(self) -> None:
        """Create or check the file; see the protocol."""
        with self.lock:
            if self.cursor is not None:
                return
            try:
                if self.memory:
                    self._make_folder_in_tmp()
                else:
                    self._place.check()
                self._connect()
                if not self.memory:
                    self._settle_in()
            except BaseException as error:
                self._disconnect()
                self.fail(error)

    def close(self) -> None:
        """Let go of the file; the next verb opens it again. A store in memory forgets everything."""
        with self.lock:
            self._disconnect()

    def _disconnect(self) -> None:
        for connection in (self._checkpointer, self._connection):
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
        self._connection = self._checkpointer = self.cursor = None
        if self._sweep is not None:
            self._sweep()
            self._sweep = None

    def __del__(self) -> None:
        # An app that was dropped and not closed: left to itself, a connection complains of that (from Python 3.13 on).
        if "_commits" in self.__dict__:
            self._disconnect()

    def _make_folder_in_tmp(self) -> None:
        import shutil  # a store in a file needs neither
        import tempfile

        self.folder = Path(tempfile.mkdtemp(prefix="localq-"))
        self._sweep = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def _connect(self) -> None:
        if self.path in _LOST_FILES:
            raise StoreError(
                f"{self.path} was being written to by another thread when this process was forked, so it cannot be "
                "used here. Start the process by spawn or forkserver, or fork before threads begin to use the queue."
            )
        if not self.memory and not os.path.exists(self.path):
            self._place.make_file()
        self._connection = self._driver()
        cursor = self._connection.cursor()
        if self.memory:
            create(cursor, self._patience)
        else:
            recognise(cursor, self._place, self._patience)
        self.cursor = cursor

    def _settle_in(self) -> None:
        self._place.keep_in_mind()
        self._place.make_folder()
        self.folder = self._place.folder
        if not self._place.has_identity():
            found = self.cursor.execute("SELECT value FROM meta WHERE name = 'uuid'").fetchone()
            self._place.write_identity(found[0] if found else "")

    def _driver(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, cached_statements=256, check_same_thread=False
        )
        try:
            for pragma in (
                f"synchronous={self._synchronous}",
                # Elsewhere than on macOS this changes nothing; there a plain fsync leaves data in the disk's cache.
                f"fullfsync={int(self._synchronous == 'FULL')}",
                "foreign_keys=ON",
                "wal_autocheckpoint=0",
                f"journal_size_limit={_LOG_KEPT_BYTES}",
                # More would be kept for pages that others' commits outdate; a claim and its end need some dozens.
                "cache_size=-1000",
                "mmap_size=0",
                "trusted_schema=OFF",
                "temp_store=MEMORY",
            ):
                self._patiently(connection, f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    # Transactions

    def begin(self, cursor: Any, write: bool, beside: bool = False) -> None:
        """Begin a transaction; one that writes takes the lock now."""
        if cursor.connection.in_transaction:
            # An exception from a signal handler came between a verb's end and its commit.
            self.rollback()
        if write:
            if not self.memory and monotonic() >= self._see_at:
                self._see_again()
            self._patiently(cursor, "BEGIN IMMEDIATE")
        else:
            # A bare BEGIN takes no lock: what may find the file locked is the first look into it.
            cursor.execute("BEGIN")
            self._patiently(cursor, "SELECT 1 FROM sqlite_master LIMIT 0")

    def write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement as a transaction of its own; return the rows written. The caller locks."""
        try:
            cursor = self.cursor or self.connected()
            if not self.memory and monotonic() >= self._see_at:
                self._see_again()
            if cursor.connection.in_transaction:
                self.rollback()
            written: int = self._patiently(cursor, text, values, in_turn=True).rowcount
        except BaseException as error:
            self.rollback()
            self.fail(error)
        self._patience.wrote()
        self.added(1)
        return written

    def read_one(self, text: str, values: tuple[Any, ...]) -> Any:
        """Run one reading statement as a transaction of its own; return its row, or None."""
        with self.lock:
            self.rollback()
            return next(iter(self.executed(text, values)), None)

    def _see_again(self) -> None:
        """See that the file is still there; if it is not, the next verb opens what has its name by then."""
        try:
            self._place.see_again()
        except StoreError:
            self._disconnect()
            raise
        self._see_at = monotonic() + _SEEN_FOR_S

    def commit(self) -> None:
        """Commit the transaction."""
        self.cursor.execute("COMMIT")
        self._patience.wrote()
        self._commits += 1

    def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        cursor = self.cursor
        if cursor is not None and cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")

    def explained(self, error: BaseException) -> BaseException:
        """Return what an error means for the file."""
        return explained(error, self.path)

    def borrowed(self, connection: Any) -> Database:
        """Return the file by a connection of the user's."""
        if self.memory:
            raise ImproperlyConfigured(
                "Jobs cannot be added by a connection of yours: a store in memory (':memory:') has one connection, its "
                "own. Give LocalQ the path of the file that your connection is to."
            )
        if self.cursor is None:
            self.open()
        return BorrowedDatabase(connection, self.path)

    # Housekeeping

    def changed(self) -> bool:
        """Whether another connection has committed since last asked; see the protocol."""
        version = self.inspect("data_version")[0][0]
        with self.lock:
            self._version, before = version, self._version
        return bool(version != before)

    def tend(self, now: int) -> None:
        """Give back space that pruning left; have the log written to the disk, and checkpoint it when it has grown.

        Others wait for the end of a checkpoint alone, which is under our own write lock: only who writes back the last
        page while nobody can commit lets the log begin anew. See `PinnedLog` for the rest.
        """
        self._tend(CHECKPOINT_BYTES)

    def _tend(self, most: int) -> None:
        if self.memory:
            return
        size, _ = log = self._log_now()
        if log == self._tended and size < most:
            # Nobody has written since.
            return
        self._give_back()
        if size < most:
            begin_writeback(self._log)
        elif self._writing_back.acquire(blocking=False):
            # Else another thread is at it, which may wait for the lock that this one holds.
            try:
                self.write_back()
            finally:
                self._writing_back.release()
        self._tended = log

    def _give_back(self) -> None:
        """Hand some unused pages back, if the file has many; the rest at the next times."""
        spare, pages = self.inspect("freelist_count")[0][0], self.inspect("page_count")[0][0]
        if spare > max(SPARE_PAGES, pages // 4):
            self.give_back()

    def give_back(self) -> int:
        """Hand some unused pages back, in one short transaction; return how many are left.

        The file is shorter once the log is written back.
        """
        with self.lock, self.writing as cursor:
            for _ in range(_GIVEN_BACK_AT_ONCE):
                # One page at a time: the driver steps such a statement once, and each step frees one.
                cursor.execute("PRAGMA incremental_vacuum(1)")
        return int(self.inspect("freelist_count")[0][0])

    def write_back(self) -> None:
        """Write the log into the file now, as far as readers let it; most of it while others write on."""
        with self._writing_back:
            finish_writeback(self._log)
            self._write_back_pinned()
            with self.lock, self.writing:
                failpoints.point("store.checkpoint")
                self._checkpoint()

    def _write_back_pinned(self) -> None:
        pinned = PinnedLog(self._driver, lambda reader: self.begin(reader.cursor(), False), self._touch)
        try:
            pinned.write_back(self._checkpoint)
        except BaseException as error:
            self.fail(error)

    def _touch(self) -> None:
        """Commit a page that says what it said before."""
        with self.lock, self.writing as cursor:
            version = cursor.execute("PRAGMA user_version").fetchone()[0]
            cursor.execute(f"PRAGMA user_version={version}")

    def added(self, count: int) -> None:
        """Count commits of a process that may have no worker, and tend once in a while."""
        self._commits += count
        self.tend_if_needed()

    def tend_if_needed(self) -> None:
        """Tend once in a while; for processes in which no worker does. What fails is left to the next time."""
        if self._commits >= _LOOK_EVERY:
            self._commits = 0
            with contextlib.suppress(StoreError):
                # Where there is a worker the log does not grow so far, and no program that adds jobs waits for that.
                self._tend(2 * CHECKPOINT_BYTES)

    def _log_now(self) -> tuple[int, int]:
        """Return what is in the log (bytes) and when it was last written to (ns)."""
        try:
            return bytes_in_log(self._log), os.stat(self._log).st_mtime_ns
        except OSError:
            return 0, 0

    def _checkpoint(self) -> int:
        """Write back what can be; return the pages in the log, or fewer where another process is at it."""
        if self._checkpointer is None:
            self._checkpointer = self._driver()
        busy, pages, _ = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return 0 if busy else int(pages)

    def vacuum_into(self, target: str) -> None:
        """Write a consistent copy to a new file of mode 0600, while others go on."""
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StoreError(f"The copy cannot be written: {error}. Choose a path where no file is.") from error
        try:
            self.executed("VACUUM INTO ?", (target,))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise

    def inspect(self, pragma: str) -> list[tuple[Any, ...]]:
        """Run a reading pragma; for `localq doctor`."""
        return self.executed(f"PRAGMA {pragma}")

    def executed(self, text: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement outside transactions and return its rows."""
        with self.lock:
            try:
                return list(self._patiently(self.cursor or self.connected(), text, values).fetchall())
            except sqlite3.Error as error:
                self.fail(error)

    # Forks

    def hold(self, timeout_s: float) -> Held | None:
        """Take the locks for a fork, and return them; see `localq.store.forks`."""
        return Held.taken((self._writing_back, self.lock), timeout_s)

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: leave the inherited connections alone, and start with none.

        They must stay unclosed: closing would roll back, or end the locks of, what the parent is doing.
        """
        if not self.memory and self._connection is not None and (self._connection.in_transaction or not held):
            _LOST_FILES.add(self.path)
        for inherited in (self._connection, self._checkpointer, self.cursor):
            if inherited is not None:
                keep_for_ever(inherited)
        self._connection = self._checkpointer = self.cursor = None
        if self._sweep is not None:
            self._sweep.detach()
            self._sweep = None
        self.lock, self._writing_back = threading.RLock(), threading.RLock()
