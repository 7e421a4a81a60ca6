"""Where jobs live, behind one protocol (`localq.store.protocol.store`)."""

from __future__ import annotations

import os
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.model.hints import nearest

__all__ = ["KINDS", "check_kind", "open_store"]

#: What a URL may begin with.
KINDS = ("sqlite",)


def check_kind(location: str) -> None:
    """Refuse a URL of a kind there is no store for; a path may be any.

    Raises:
        ImproperlyConfigured: names what the URL begins with, and the nearest known.
    """
    kind, separator, _ = location.partition("://")
    if separator and kind not in KINDS:
        raise ImproperlyConfigured(
            f"The URL {kind}://... is of a kind this version has no store for.{nearest(kind, KINDS)} Use a path or sqlite:///jobs.db."
        )


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
    check_kind(text)
    _, separator, rest = text.partition("://")
    from localq.store.sqlite.store import SqliteStore

    path = rest.removeprefix("/") or ":memory:" if separator else text
    return SqliteStore(path, durability) if patience_s is None else SqliteStore(path, durability, patience_s)
