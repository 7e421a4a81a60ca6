"""Examine a store's file from outside, without changing anything: where it lies, whose it is, whether it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from localq.model.finding import Check, Finding, checked
from localq.store.sqlite import examine_contents, examine_place
from localq.store.sqlite.filesystem import OVERRIDE
from localq.store.sqlite.readonly import ReadOnlyStore

__all__ = ["examine_file", "short_of"]

#: What the place of a file is short of.
short_of = examine_place.short


def examine_file(path: str, durability: str, full: bool) -> tuple[list[Finding], ReadOnlyStore | None]:
    """Return what every check finds about a file, and a store to read what is in it, where that can be.

    The file is opened by SQLite alone, for reading; a missing one is not made. On a filesystem where SQLite's
    locks do not work it is not opened at all, unless the environment allows it.
    """
    nowhere = examine_place.place(path)
    if nowhere is not None:
        return [nowhere], None
    on = examine_place.filesystem(examine_place.filesystem_kind(path))
    found = [on]
    if hasattr(os, "geteuid"):
        found += checked("rights", lambda: examine_place.rights(path, os.geteuid()))
    found += checked("space", lambda: examine_place.free_space(path))
    found.append(examine_contents.sqlite_version())
    if on.level == "error" and os.environ.get(OVERRIDE) != "1":
        return found, None
    store = ReadOnlyStore(path)
    owner = list(checked("owner", lambda: examine_contents.ownership(store)))
    found += owner
    ours = owner[0].level == "ok"
    # Of a file of another version it can still be said whether it is whole.
    if ours or owner[0].check != "owner":
        found += _inside(store, durability, full, ours=ours)
    if ours:
        return found, store
    store.close()
    return found, None


def _inside(store: ReadOnlyStore, durability: str, full: bool, *, ours: bool) -> Iterator[Finding]:
    checks: dict[str, Check] = {
        "integrity": lambda: examine_contents.integrity(store, full),
        "journal": lambda: examine_contents.journal(store),
        "synchronous": lambda: examine_contents.synchronous(durability),
        "log": lambda: examine_place.log_size(store.path),
        "lock": lambda: examine_contents.write_lock(store, _locks, time.sleep),
    }
    if ours:
        checks |= {
            "schema": lambda: examine_contents.schema(store),
            "identity": lambda: examine_contents.identity(store),
        }
    for name, check in checks.items():
        yield from checked(name, check)


def _locks() -> str | None:
    try:
        return Path("/proc/locks").read_text("ascii", "replace")
    except OSError:
        return None
