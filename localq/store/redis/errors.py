"""What Redis' errors mean for a store: which of our exceptions, and what to do."""

from __future__ import annotations

import errno
import re

from redis import exceptions

from localq.exceptions import StoreBusy, StoreError, StoreForeign, StoreFull, StoreReadOnly, StoreVersion
from localq.store.redis.unreached import Refused

__all__ = ["FORMAT", "explained", "foreign", "is_away", "is_busy"]

#: The number of the format of the store's keys, which the value of its key `fmt` begins with.
FORMAT = "1"
#: What the server says while it cannot serve anybody, or us: after a while it may.
_BUSY = ("BUSY ", "LOADING", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "NOREPLICAS", "UNBLOCKED")

#: What Redis 6.2 writes around the error of a command within a script.
_AROUND = re.compile(r"Error running script .*?: -?(?=[A-Z]+ )")


def _said(error: BaseException) -> str:
    """Return what the server says, without where in a script it says so."""
    return _AROUND.sub("", " ".join(str(error).split())).rstrip(".")


def is_away(error: BaseException) -> bool:
    """Whether the connection is what failed, so that nobody knows whether what was asked was done."""
    return isinstance(error, (exceptions.ConnectionError, exceptions.TimeoutError, OSError)) and not isinstance(
        error, (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.BusyLoadingError)
    )


def is_busy(error: BaseException) -> bool:
    """Whether the server said that it cannot do this now."""
    said = _said(error)
    return isinstance(
        error,
        (
            exceptions.BusyLoadingError,
            exceptions.ReadOnlyError,
            exceptions.MovedError,
            exceptions.ClusterDownError,
            exceptions.TryAgainError,
        ),
    ) or (isinstance(error, exceptions.ResponseError) and said.startswith(_BUSY))


def foreign(found: str, name: str) -> StoreError:
    """Return what is wrong with a store whose format is not as expected."""
    number, colon, _ = found.partition(":")
    if colon and number.isdigit() and number != FORMAT:
        return StoreVersion(
            f"The store in {name} has the format {number}, which another version of LocalQ made; this one uses "
            f"{FORMAT}. Use that version, or another prefix."
        )
    if not found:
        return StoreForeign(
            f"The store in {name} is not there any more: the server was emptied, or another one took its place. What "
            "was in it is gone; the next use begins a new one."
        )
    return StoreForeign(f"{name} holds something else than what was there before: {found!r}. Use another prefix.")


def explained(error: BaseException, name: str, *, known: bool = False) -> BaseException:
    """Return the StoreError that says what an error means for the store, or the error itself if it is none of ours.

    Args:
        known: This process has used that server before, so that it may be as it was again.
    """
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StoreFull(f"No space left beside {name}: {error}. Nothing stored is lost; free some space.")
    said = _said(error)
    if isinstance(error, Refused):
        return (StoreBusy if known else StoreError)(f"{name} cannot be used: {said}.")
    if isinstance(error, (exceptions.AuthenticationError, exceptions.AuthorizationError)):
        return StoreError(f"{name} lets nobody in: {said}. Check user and password.")
    if is_busy(error):
        return StoreBusy(f"{name} cannot do it now: {said}. Try again.")
    if is_away(error):
        return StoreBusy(f"{name} cannot be reached: {said}. Check that the server runs and lets you in; try again.")
    if not isinstance(error, exceptions.RedisError):
        return error
    if said.startswith("LQFMT"):
        return foreign(said.removeprefix("LQFMT").strip(), name)
    if isinstance(error, exceptions.OutOfMemoryError) or said.startswith("OOM"):
        return StoreFull(
            f"{name} has reached its maxmemory, and takes no more jobs. Nothing stored is lost; workers go on. Raise "
            "maxmemory, or let results expire sooner (result_expires)."
        )
    if said.startswith("MISCONF"):
        return StoreFull(f"{name} cannot write to its disk: {said}. Nothing was changed; free some space there.")
    if isinstance(error, exceptions.NoPermissionError) or said.startswith("NOPERM"):
        return StoreReadOnly(f"{name} does not allow it: {said}. Check the rights (ACL) of its user.")
    if "WRONGTYPE" in said:
        return StoreForeign(f"{name} holds keys of something else: {said}. Use another prefix.")
    return StoreError(f"{name}: {said}")
