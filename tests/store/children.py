"""What tests have other processes do. Imports little: every one of those processes pays for it."""

from __future__ import annotations

import ctypes

from localq.exceptions import StoreError
from localq.store.sqlite import SqliteStore
from tests.store.given import NOW, new


def drop_privileges() -> None:
    """Give up every capability, so that file modes bind even root (Linux; elsewhere tests do not run as root)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "capset"):
        version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert libc.capset(version_3, (ctypes.c_uint32 * 6)()) == 0


def open_without_privileges(path: str) -> None:
    drop_privileges()
    store = SqliteStore(path)
    try:
        store.open()
        print("opened: as it should")
    except StoreError as error:
        print(f"{type(error).__name__}: {error}")
    store.close()


def add_one(path: str) -> None:
    store = SqliteStore(path)
    store.add([new()], NOW)
    store.close()
