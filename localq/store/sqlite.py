"""Jobs in one SQLite file: opening it safely, fair locking, checkpoints, and what its errors mean.

No code opens or closes the database file other than through SQLite: `close()` on any descriptor of it would drop
SQLite's locks in this process (https://sqlite.org/howtocorrupt.html 2.2). No connection crosses a fork: a child
leaves the inherited one alone, unclosed, and opens its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import random
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from localq import fault
from localq.exceptions import (
    ImproperlyConfigured,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreReadOnly,
    StoreVersion,
)
from localq.store.filesystem import check_filesystem
from localq.store.schema import SCHEMA_VERSION, metadata
from localq.store.sql import SqlStore

__all__ = ["APPLICATION_ID", "SqliteStore"]

#: "LocQ" in the file's header: what tells our files from others'.
APPLICATION_ID = 0x4C6F6351
#: Seconds a writer waits for others before it gives up.
BUSY_TIMEOUT_S = 30.0
#: A write-ahead log larger than this (bytes) is checkpointed.
CHECKPOINT_BYTES = 8 << 20
#: What a log that was written back is cut to (bytes): one that stayed long would be taken for one that has grown.
LOG_KEPT_BYTES = 1 << 20
#: Commits of a process without a worker between two looks at the log's size.
_LOOK_EVERY = 256
#: Unused pages a file may keep; beyond these, and a quarter of it, they are given back, so many at a time.
SPARE_PAGES = 1024
_GIVEN_BACK_AT_ONCE = 256
#: Seconds a fork waits for another thread's transaction to end.
_FORK_PATIENCE_S = 1.0
_DURABILITY = {"full": "FULL", "normal": "NORMAL"}
#: SQLite's words for a write that failed for another reason than a full disk: a quota, a limit, a bad disk.
_CANNOT_WRITE = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
DIALECT = sqlite_dialect.dialect(paramstyle="qmark")
_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_forking = threading.local()


class SqliteStore(SqlStore):
    """Jobs in a SQLite file, or in memory for one process.

    Args:
        path: The file, made with mode 0600 if missing; or ":memory:".
        durability: "full" fsyncs every commit; "normal" may lose the last commits at a power cut (never at a
            kill), which for a worker only repeats runs.
    """

    def __init__(
        self, path: str | os.PathLike[str], durability: str = "full", patience_s: float = BUSY_TIMEOUT_S
    ) -> None:
        super().__init__(DIALECT)
        if durability not in _DURABILITY:
            raise ImproperlyConfigured(f"durability is {durability!r}; it must be 'full' or 'normal'")
        self.memory = os.fspath(path) == ":memory:"
        self.path = ":memory:" if self.memory else os.path.realpath(os.fsdecode(path))
        self._synchronous = _DURABILITY[durability]
        self._patience_s = patience_s
        self._connection: sqlite3.Connection | None = None
        self._checkpointer: sqlite3.Connection | None = None
        self._sweep: weakref.finalize[..., SqliteStore] | None = None
        self._version = 0
        self._commits = 0
        _stores.add(self)

    # Opening and closing

    def open(self) -> None:
        """Create or check the file; see the protocol."""
        with self._lock:
            if self._cursor is not None:
                return
            try:
                if self.memory:
                    self._make_folder_in_tmp()
                else:
                    self._check_place()
                self._connect()
                if not self.memory:
                    self._make_folder()
                    self._write_identity()
            except BaseException as error:
                self._disconnect()
                self._raise(error)

    def close(self) -> None:
        """Let go of the file; the next verb opens it again. A store in memory forgets everything."""
        with self._lock:
            if self._ringer is not None:
                self._ringer.close()
                self._ringer = None
            self._disconnect()

    def _disconnect(self) -> None:
        for connection in (self._checkpointer, self._connection):
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
        self._connection = self._checkpointer = self._cursor = None
        if self._sweep is not None:
            self._sweep()
            self._sweep = None

    def _check_place(self) -> None:
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
        if there.st_size == 0 and os.path.exists(self._identity_path()):
            raise StoreDamaged(
                f"{self.path} is empty, but jobs were kept in it: something cut it to nothing. Restore a backup; "
                f"to start afresh, remove the file and the folder {self._folder_path()}."
            )
        if not os.access(self.path, os.R_OK | os.W_OK):
            raise StoreReadOnly(f"{self.path} cannot be written by this user. Check its owner and mode.")
        if not os.access(parent, os.W_OK):
            raise StoreReadOnly(f"SQLite must write beside {self.path}, but {parent} cannot be written.")

    def _connect(self) -> None:
        if not self.memory and not os.path.exists(self.path):
            self._make_file()
        self._connection = self._driver()
        cursor = self._connection.cursor()
        if self.memory:
            self._create(cursor)
        else:
            self._recognise(cursor)
        self._cursor = cursor

    def _make_file(self) -> None:
        """Make the file with its mode, under another name first: nothing but SQLite may close a database."""
        with self._alone():
            if not os.path.exists(self.path):
                unnamed = f"{self.path}.new"
                os.close(os.open(unnamed, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
                os.rename(unnamed, self.path)

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
                f"journal_size_limit={LOG_KEPT_BYTES}",
                "cache_size=-8000",
                "mmap_size=0",
                "trusted_schema=OFF",
                "temp_store=MEMORY",
            ):
                self._patiently(connection, f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _recognise(self, cursor: Any) -> None:
        """Check that the file is ours and of our version; make it so if it is new, one process at a time."""
        if not self._is_ours(cursor):
            with self._alone():
                if not self._is_ours(cursor):
                    # Heeded only before the first page is written, which the switch to a log does.
                    self._patiently(cursor, "PRAGMA auto_vacuum=INCREMENTAL")
                    self._check_journal(cursor)
                    self._create(cursor)
        self._check_journal(cursor)

    def _is_ours(self, cursor: Any) -> bool:
        """Whether the file is a store of this version; False if it is empty. Anything else raises."""
        # Looked at first: who finds tables, and after that no id, has not met a store in the making.
        filled = self._patiently(cursor, "SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = self._patiently(cursor, "PRAGMA application_id").fetchone()[0]
        version = self._patiently(cursor, "PRAGMA user_version").fetchone()[0]
        if application == APPLICATION_ID and version > SCHEMA_VERSION:
            raise StoreVersion(
                f"{self.path} was written by a newer LocalQ (its format is {version}, this one knows "
                f"{SCHEMA_VERSION}). Upgrade LocalQ; the file is left as it is."
            )
        if (application, version) == (APPLICATION_ID, SCHEMA_VERSION):
            return True
        if filled or application not in (0, APPLICATION_ID):
            raise StoreForeign(
                f"{self.path} is a database of something else (application id {application:#x}). Choose another "
                "path; the file is left as it is."
            )
        return False

    def _check_journal(self, cursor: Any) -> None:
        mode = self._patiently(cursor, "PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            mode = self._patiently(cursor, "PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{self.path} cannot use a write-ahead log here (SQLite says {mode!r}).")

    def _create(self, cursor: Any) -> None:
        self._begin(cursor, True)
        try:
            for table in metadata.sorted_tables:
                cursor.execute(str(CreateTable(table).compile(dialect=self._dialect)))
                for index in sorted(table.indexes, key=lambda one: str(one.name)):
                    cursor.execute(str(CreateIndex(index).compile(dialect=self._dialect)))
            fault.point("store.create")
            cursor.execute(*_insert_meta("uuid", uuid.uuid4().hex))
            cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
            cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            cursor.execute("COMMIT")
        except BaseException:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise

    # The folder beside the file

    def _folder_path(self) -> str:
        return f"{self.path}.d"

    def _identity_path(self) -> str:
        return f"{self._folder_path()}/id"

    def _make_folder(self) -> None:
        self.folder = Path(self._folder_path())
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _make_folder_in_tmp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="localq-"))
        self._sweep = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock file while the file is made: the switch to a write-ahead log ignores SQLite's own waiting.

        `flock` parts threads as well as processes. Unlocked by word, for a child forked meanwhile shares the lock.
        """
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _write_identity(self) -> None:
        """Keep the database's own id outside it: an empty file where there was one is a loss, not a new start."""
        if not os.path.exists(self._identity_path()):
            found = self._run(self._cursor, self._sql.get_meta, of_name="uuid").fetchone()
            with open(self._identity_path(), "w", encoding="ascii") as file:
                file.write(found[0] if found else "")

    # Transactions

    def _begin(self, cursor: Any, write: bool) -> None:
        if cursor.connection.in_transaction:
            # An exception from a signal handler came between a verb's end and its commit.
            self._rollback()
        if write:
            self._patiently(cursor, "BEGIN IMMEDIATE")
        else:
            # A bare BEGIN takes no lock: what may find the file locked is the first look into it.
            cursor.execute("BEGIN")
            self._patiently(cursor, "SELECT 1 FROM sqlite_master LIMIT 0")

    def _write_one(self, text: str, values: tuple[Any, ...]) -> int:
        """Run one writing statement as a transaction of its own; return the rows written. The caller locks."""
        try:
            cursor = self._cursor or self._connected()
            if cursor.connection.in_transaction:
                self._rollback()
            written: int = self._patiently(cursor, text, values).rowcount
        except BaseException as error:
            self._rollback()
            self._raise(error)
        self._commits += 1
        if self._commits >= _LOOK_EVERY:
            self.tend_if_needed()
        return written

    def _commit(self) -> None:
        self._cursor.execute("COMMIT")
        self._commits += 1

    def _rollback(self) -> None:
        cursor = self._cursor
        if cursor is not None and cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")

    def _patiently(self, cursor: Any, text: str, values: tuple[Any, ...] = ()) -> Any:
        """Run a statement that may find the file locked; try again soon, at random, until the time is up.

        SQLite's own busy handler backs off up to 100 ms, which starves: one of 8 writers got 1 commit while
        another got 2,596. Short random pauses are fair and need no second lock.
        """
        try:
            return cursor.execute(text, values)
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        until = time.monotonic() + self._patience_s
        pause = 0.00005
        while True:
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, 0.001)
            try:
                return cursor.execute(text, values)
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
                if time.monotonic() > until:
                    raise StoreBusy(
                        f"{self.path} was locked by others for {self._patience_s:.0f} s. Nothing was changed; try "
                        "again, and look for a program that keeps a transaction open ('localq doctor')."
                    ) from error

    def _explained(self, error: BaseException) -> BaseException:
        if isinstance(error, OSError) and error.errno is not None:
            return self._explained_by_system(error)
        if not isinstance(error, sqlite3.Error):
            return error
        whole = getattr(error, "sqlite_errorcode", 0)
        code = whole & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(f"No space left for {self.path}. Nothing stored is lost; free some space.")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return StoreReadOnly(f"{self.path} cannot be written: {error}. Check its owner, mode and folder.")
        if code == sqlite3.SQLITE_NOTADB:
            return StoreDamaged(
                f"{self.path} is no SQLite database, or its head was overwritten. It is left as it is; restore a "
                "backup or choose another path."
            )
        if code == sqlite3.SQLITE_CORRUPT:
            return StoreDamaged(
                f"{self.path} is damaged: {error}. Stop everything that uses it, keep a copy of it with its -wal "
                f"file, then try: sqlite3 {self.path} .recover"
            )
        if code == sqlite3.SQLITE_BUSY:
            return StoreBusy(f"{self.path} is locked: {error}. Nothing was changed; try again.")
        if whole in _CANNOT_WRITE:
            return StoreFull(
                f"Writing {self.path} failed: {error}. Nothing was changed; check the disk, its quota and limits."
            )
        return StoreError(f"{self.path}: {error}")

    def _explained_by_system(self, error: OSError) -> StoreError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return StoreFull(f"No space left for {self.path}: {error}. Nothing stored is lost; free some space.")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return StoreReadOnly(f"{self.path} cannot be used: {error}. Check its owner, mode and folder.")
        return StoreError(f"{self.path} cannot be used: {error}.")

    # Housekeeping

    def changed(self) -> bool:
        """Whether another connection has committed since last asked; see the protocol."""
        version = self.inspect("data_version")[0][0]
        with self._lock:
            self._version, before = version, self._version
        return bool(version != before)

    def tend(self, now: int) -> None:
        """Give back space that pruning left, and checkpoint the log when it has grown, under our own write lock.

        SQLite up to 3.51.2 can lose pages when a commit resets the log during another process's checkpoint;
        while one of our connections holds the write lock nobody can commit (https://sqlite.org/wal.html#walresetbug).
        """
        if self.memory:
            return
        self._give_back()
        if self._wal_bytes() >= CHECKPOINT_BYTES:
            with self._lock, self._writing:
                fault.point("store.checkpoint")
                self._checkpoint()

    def _give_back(self) -> None:
        """Hand some unused pages back, if the file has many; the rest at the next times."""
        spare, pages = self.inspect("freelist_count")[0][0], self.inspect("page_count")[0][0]
        if spare > max(SPARE_PAGES, pages // 4):
            with self._lock, self._writing as cursor:
                for _ in range(_GIVEN_BACK_AT_ONCE):
                    # One page at a time: the driver steps such a statement once, and each step frees one.
                    cursor.execute("PRAGMA incremental_vacuum(1)")

    def _added(self, count: int) -> None:
        self._commits += count
        self.tend_if_needed()

    def tend_if_needed(self) -> None:
        """Tend once in a while; for processes in which no worker does. What fails is left to the next time."""
        if self._commits >= _LOOK_EVERY:
            self._commits = 0
            with contextlib.suppress(StoreError):
                self.tend(0)

    def _wal_bytes(self) -> int:
        try:
            return os.stat(f"{self.path}-wal").st_size
        except OSError:
            return 0

    def _checkpoint(self) -> None:
        if self._checkpointer is None:
            self._checkpointer = self._driver()
        self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def vacuum_into(self, target: str) -> None:
        """Write a consistent copy to a new file of mode 0600, while others go on."""
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StoreError(f"The copy cannot be written: {error}. Choose a path where no file is.") from error
        try:
            self._executed("VACUUM INTO ?", (target,))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise

    def inspect(self, pragma: str) -> list[tuple[Any, ...]]:
        """Run a reading pragma; for `localq doctor`."""
        return self._executed(f"PRAGMA {pragma}")

    def _executed(self, text: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement outside transactions and return its rows."""
        with self._lock:
            try:
                return list(self._patiently(self._cursor or self._connected(), text, values).fetchall())
            except sqlite3.Error as error:
                self._raise(error)

    # Forks

    def _leave_to_parent(self) -> None:
        """In a forked child: leave the inherited connections alone, and start with none.

        They must stay unclosed: closing would roll back, or end the locks of, what the parent is doing. So they
        are given a reference that nothing ever drops, not even the interpreter's end.
        """
        for inherited in (self._connection, self._checkpointer, self._cursor):
            if inherited is not None:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
        self._connection = self._checkpointer = self._cursor = None
        if self._ringer is not None:
            self._ringer.close()
            self._ringer = None
        if self._sweep is not None:
            self._sweep.detach()
            self._sweep = None
        self._lock = threading.RLock()


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _insert_meta(name: str, value: str) -> tuple[str, tuple[str, str]]:
    return "INSERT INTO meta (name, value) VALUES (?, ?)", (name, value)


def _before_fork() -> None:
    """Wait for other threads' transactions: a child forked while one is inside SQLite finds its mutexes locked."""
    _forking.held = [store._lock for store in list(_stores) if store._lock.acquire(timeout=_FORK_PATIENCE_S)]


def _after_fork_in_parent() -> None:
    for lock in _forking.held:
        lock.release()
    _forking.held = []


def _after_fork_in_child() -> None:
    _forking.held = []
    for store in list(_stores):
        store._leave_to_parent()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
