"""What SQLite's errors, and the system's, mean for a store: which of our exceptions, and what to do."""

from __future__ import annotations

import errno
import sqlite3

from localq.exceptions import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly

__all__ = ["explained", "is_busy"]

#: SQLite's words for a write that failed for another reason than a full disk: a quota, a limit, a bad disk.
_CANNOT_WRITE = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether others hold the lock: what may pass if tried again."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explained(error: BaseException, path: str) -> BaseException:
    """Return the StoreError that says what an error means for the file, or the error itself if it is none of ours."""
    if isinstance(error, OSError) and error.errno is not None:
        return _explained_by_system(error, path)
    if not isinstance(error, sqlite3.Error):
        return error
    whole = getattr(error, "sqlite_errorcode", 0)
    code = whole & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"No space left for {path}. Nothing stored is lost; free some space.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreReadOnly(f"{path} cannot be written: {error}. Check its owner, mode and folder.")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreDamaged(
            f"{path} is no SQLite database, or its head was overwritten. It is left as it is; restore a "
            "backup or choose another path."
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(
            f"{path} is damaged: {error}. Stop everything that uses it, keep a copy of it with its -wal "
            f"file, then try: sqlite3 {path} .recover"
        )
    if code == sqlite3.SQLITE_INTERRUPT:
        return StoreError("There was too much to look through in the time that this may take. Ask for less of it.")
    if code == sqlite3.SQLITE_BUSY:
        return StoreBusy(f"{path} is locked: {error}. Nothing was changed; try again.")
    if whole in _CANNOT_WRITE:
        return StoreFull(f"Writing {path} failed: {error}. Nothing was changed; check the disk, its quota and limits.")
    return StoreError(f"{path}: {error}")


def _explained_by_system(error: OSError, path: str) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(f"No space left for {path}: {error}. Nothing stored is lost; free some space.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(f"{path} cannot be used: {error}. Check its owner, mode and folder.")
    return StoreError(f"{path} cannot be used: {error}.")
