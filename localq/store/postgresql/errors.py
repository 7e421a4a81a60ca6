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


#: What libpq says of a connection that cannot be, however often it is tried, for which it has no codes; and what to do.
_REFUSED = {
    "certificate verify failed": "Add sslrootcert= to the URL, the path of the certificate of the authority that "
    "signed the server's",
    "root certificate file": "Name in sslrootcert= the certificate of the authority that signed the server's",
    "does not match host name": "Name the host as its certificate does",
    "does not support SSL": "Set ssl=on there, or leave sslmode= out of the URL",
    "no encryption": "Add sslmode=verify-full to the URL, or see to the server's pg_hba.conf",
    "certificate required": "Add sslcert= and sslkey= to the URL, the paths of the client's certificate and key",
    "valid client certificate": "Add sslcert= and sslkey= to the URL, the paths of the client's certificate and key",
    "alert unknown ca": "Have the client's certificate signed by an authority that the server knows (its ssl_ca_file)",
    "certificate file": "Look at the files of sslcert= and sslkey= in the URL",
    "private key file": "Look at the file of sslkey= in the URL; others must not be able to read it",
    "no pg_hba.conf entry": "See to the server's pg_hba.conf",
    "password authentication failed": "Check user and password",
    "no password supplied": "Give one in the URL, in PGPASSFILE or in PGPASSWORD",
    '" does not exist': "Check the URL, or make it there",
    "is not permitted to log in": "Give that role LOGIN",
    "permission denied for database": "GRANT CONNECT ON DATABASE to that user",
}


def _advice(said: str) -> str | None:
    """Return what to do about a connection that cannot be; None where it may be once it is tried again."""
    return next((advice for part, advice in _REFUSED.items() if part in said), None)


def is_away(error: BaseException) -> bool:
    """Whether the connection is what failed, and not what was asked."""
    if isinstance(error, psycopg.InterfaceError):
        return True
    # Of the errors of the server itself, all but these have a class of their own beneath.
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or isinstance(error, _AWAY))


def is_passing(error: BaseException | None) -> bool:
    """Whether what was asked will do if it is asked again at once."""
    return error is not None and (isinstance(error, _CROSSED) or is_away(error))


def explained(error: BaseException, name: str, *, known: bool = False) -> BaseException:
    """Return the StoreError that says what an error means for the store, or the error itself if it is none of ours.

    Args:
        known: This process has used that server before, so that it may be as it was again.
    """
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StoreFull(f"No space left beside {name}: {error}. Nothing stored is lost; free some space.")
    if not isinstance(error, psycopg.Error):
        return error
    said = " ".join((error.diag.message_primary or str(error)).split()).rstrip(".")
    if is_away(error):
        if isinstance(error, psycopg.OperationalError) and error.sqlstate is None and (advice := _advice(said)):
            return (StoreBusy if known else StoreError)(f"{name} cannot be used: {said}. {advice}.")
        return StoreBusy(f"{name} cannot be reached: {said}. Check that the server runs and lets you in; try again.")
    if isinstance(error, _BUSY):
        return StoreBusy(f"{name} is locked by others: {said}. Nothing was changed; try again.")
    if isinstance(error, errors.DiskFull):
        return StoreFull(f"No space left for {name}. Nothing stored is lost; free some space on the server.")
    if isinstance(error, errors.InsufficientPrivilege):
        return StoreReadOnly(
            f"{name} does not allow it: {said}. Give its user that right (GRANT); nothing was changed."
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return StoreReadOnly(f"{name} cannot be written: {said}. Check that it is no replica.")
    return StoreError(f"{name}: {said}")
