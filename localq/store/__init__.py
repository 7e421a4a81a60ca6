"""Where jobs live, behind one protocol (`localq.store.base`)."""

from __future__ import annotations

import os
from typing import Any

from localq.exceptions import ImproperlyConfigured

__all__ = ["open_store"]


def open_store(location: str | os.PathLike[str], durability: str = "full", patience_s: float | None = None) -> Any:
    """Return the store for a path or URL, not opened yet.

    The driver is imported here and not before: a program that never enqueues does not pay for SQLAlchemy.

    Args:
        location: A file path, ":memory:", or "sqlite:///path".
        durability: "full" or "normal"; see `SqliteStore`.
        patience_s: Seconds to wait for other writers; None: the store's own default.

    Raises:
        ImproperlyConfigured: for a URL of a kind this version has no store for.
    """
    text = os.fspath(location)
    scheme, separator, rest = text.partition("://")
    if separator and scheme != "sqlite":
        raise ImproperlyConfigured(
            f"The URL {scheme}://... is of a kind this version has no store for. Use a path or sqlite:///jobs.db."
        )
    from localq.store.sqlite import SqliteStore

    path = rest.removeprefix("/") or ":memory:" if separator else text
    return SqliteStore(path, durability) if patience_s is None else SqliteStore(path, durability, patience_s)
