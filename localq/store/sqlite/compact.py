"""Make a store's file as small as what is in it, while it is in use."""

from __future__ import annotations

import os

from localq.store.sqlite.store import SqliteStore

__all__ = ["compact_file"]


def compact_file(path: str) -> tuple[int, int]:
    """Give all unused pages of a file back, a few in each transaction: others go on in between.

    Returns:
        Its bytes before and after, without the log beside it: that is cut when it is begun anew.
    """
    store = SqliteStore(path)
    try:
        store.database.write_back()
        before = os.stat(path).st_size
        while store.database.give_back():
            pass
        store.database.write_back()
        return before, os.stat(path).st_size
    finally:
        store.close()
