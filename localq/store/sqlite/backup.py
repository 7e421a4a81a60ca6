"""Copy a store's file while it is in use."""

from __future__ import annotations

import contextlib
import os

from localq.exceptions import StoreDamaged, StoreError, StoreFull
from localq.store.sqlite.readonly import ReadOnlyStore
from localq.store.sqlite.store import SqliteStore

__all__ = ["copy_file"]


def copy_file(path: str, target: str) -> int:
    """Copy a store's file; return the number of jobs in the copy, which is checked before it gets its name."""
    copy = _unused_name(target)
    try:
        _copy(path, copy)
        jobs = _checked(copy)
        _put(copy, target)
    except StoreFull:
        raise StoreFull(f"No space left for {target}. The store itself is as it was.") from None
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error}. The store itself is as it was.") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(copy)
    return jobs


def _unused_name(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:50]}.{os.urandom(4).hex()}.part")


def _copy(path: str, copy: str) -> None:
    store = SqliteStore(path)
    try:
        store.database.vacuum_into(copy)
    finally:
        store.close()


def _checked(copy: str) -> int:
    """Return the number of jobs in a copy that is whole."""
    store = ReadOnlyStore(copy)
    try:
        found = store.inspect("quick_check(1)")[0][0]
        if found != "ok":
            raise StoreDamaged(f"The copy is not whole: {found}. Run localq doctor.")
        return sum(store.read.stats().counts.values())
    finally:
        store.close()


def _put(copy: str, target: str) -> None:
    """Give a copy its name, once it is on the disk."""
    _sync(copy)
    os.rename(copy, target)
    _sync(os.path.dirname(target))


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
