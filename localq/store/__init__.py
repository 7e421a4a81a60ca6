"""Where jobs live, behind one protocol (`localq.store.protocol.store`)."""

from __future__ import annotations

import os
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.model.finding import Finding
from localq.model.hints import nearest
from localq.store.protocol import Store

__all__ = ["KINDS", "backup", "check_kind", "examine", "open_reader", "open_store", "sizes"]

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
    path = _path(location)
    from localq.store.sqlite.store import SqliteStore

    return SqliteStore(path, durability) if patience_s is None else SqliteStore(path, durability, patience_s)


def open_reader(location: str | os.PathLike[str], deadline_s: float | None = None) -> Store:
    """Return a store on a connection of its own that only reads, for who looks on; not opened yet.

    Args:
        deadline_s: Seconds after which a question is given up, with a StoreError; None: never.
    """
    path = _path(location)
    from localq.store.sqlite.readonly import ReadOnlyStore

    return ReadOnlyStore(path, deadline_s)


def examine(
    location: str | os.PathLike[str], durability: str = "full", full: bool = False
) -> tuple[list[Finding], Store | None]:
    """Return what every check finds about a store, whatever that is, and the store where it can be read.

    That store can only be read; who is given it closes it.

    Args:
        durability: What the app asks for.
        full: Make the checks too that take long.
    """
    path = _path(location)
    from localq.store.sqlite.examine import examine_file

    return examine_file(path, durability, full)


def backup(location: str | os.PathLike[str], target: str) -> int:
    """Copy a whole store, in use or not, to a file; return the number of jobs in it.

    The copy is one moment's, complete and checked. The file is there whole or not at all; one that was there is
    replaced.

    Raises:
        StoreError: it cannot be written; nothing is left behind.
    """
    path = _path(location)
    from localq.store.sqlite.backup import copy_file

    return copy_file(path, target)


def sizes(location: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the bytes that a store takes, and those in its log beside it."""
    path = _path(location)
    from localq.store.sqlite.file_place import log_bytes

    return os.stat(path).st_size, log_bytes(path)


def _path(location: str | os.PathLike[str]) -> str:
    """Return the path of a SQLite store, of those the only kind there is."""
    text = os.fspath(location)
    check_kind(text)
    _, separator, rest = text.partition("://")
    return rest.removeprefix("/") or ":memory:" if separator else text
