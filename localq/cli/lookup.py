"""Find the store a command is about, and read the names it is given."""

from __future__ import annotations

import os

from localq.app import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.store.protocol.store import Store

__all__ = ["EXIT_UNKNOWN", "existing", "names"]

#: Exit code for an id that no job has.
EXIT_UNKNOWN = 4


def existing(app: LocalQ) -> Store:
    """Return the app's store, without making a file where there is none.

    Raises:
        StoreError: there is no file.
        ImproperlyConfigured: the jobs are in the app's own memory, where no other process sees them.
    """
    store = app.store
    if getattr(store, "memory", False):
        raise ImproperlyConfigured("This app keeps its jobs in memory, and only its own process sees them.")
    path = getattr(store, "path", None)
    if path is None:
        return store
    try:
        os.stat(path)
    except FileNotFoundError:
        raise StoreError(
            f"There is no file {path}. Check -A, --path and the folder. The first job enqueued makes it."
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be looked at: {error.strerror or error}.") from None
    return store


def names(text: str | None) -> list[str] | None:
    """Return the names in an option's value, parted by commas; None for all."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


# One job


# Many
