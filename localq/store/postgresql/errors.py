"""What PostgreSQL's errors mean for a store: which of our exceptions, and what to do."""

from __future__ import annotations

import errno

import psycopg
from psycopg import errors

from localq.exceptions import StoreBusy, StoreError, StoreFull, StoreReadOnly

__all__ = ["explained", "is_away", "is_passing"]

#: Of transactions that were in each other's way one is undone: run again it goes through.
_CROSSED = (errors.DeadlockDetected, errors.SerializationFailure)
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled, *_CROSSED)
#: The server is there, and lets nobody in or is on its way down.
_AWAY = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.DatabaseDropped,
    errors.TooManyConnections,
    errors.IdleInTransactionSessionTimeout,
)


def is_away(error: BaseException) -> bool:
    """Whether the connection is what failed, and not what was asked."""
    if isinstance(error, psycopg.InterfaceError):
        return True
    # Of the errors of the server itself, all but these have a class of their own beneath.
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or isinstance(error, _AWAY))


def is_passing(error: BaseException | None) -> bool:
    """Whether what was asked will do if it is asked again at once."""
    return error is not None and (isinstance(error, _CROSSED) or is_away(error))


def explained(error: BaseException, name: str) -> BaseException:
    """Return the StoreError that says what an error means for the store, or the error itself if it is none of ours."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StoreFull(f"No space left beside {name}: {error}. Nothing stored is lost; free some space.")
    if not isinstance(error, psycopg.Error):
        return error
    said = " ".join(str(error).split())
    if is_away(error):
        return StoreBusy(f"{name} cannot be reached: {said}. Check that the server runs and lets you in; try again.")
    if isinstance(error, _BUSY):
        return StoreBusy(f"{name} is locked by others: {said}. Nothing was changed; try again.")
    if isinstance(error, errors.DiskFull):
        return StoreFull(f"No space left for {name}. Nothing stored is lost; free some space on the server.")
    if isinstance(error, (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        return StoreReadOnly(
            f"{name} cannot be written: {said}. Check the rights of its user, and that it is no replica."
        )
    return StoreError(f"{name}: {said}")
