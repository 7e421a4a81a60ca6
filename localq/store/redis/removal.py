"""Removing a store from a server."""

from __future__ import annotations

import shutil

from localq.store.redis.server import RedisServer

__all__ = ["remove"]

#: Keys looked at by one command.
_AT_ONCE = 2000


def remove(url: str) -> None:
    """Remove all keys of a store, and the folder of its workers on this computer; nobody else may use it any more.

    Raises:
        StoreError: the server cannot be reached.
    """
    server = RedisServer(url)
    try:
        server.open()
        cursor = b"0"
        while True:
            cursor, keys = server.one("SCAN", cursor, "MATCH", server.key("*"), "COUNT", _AT_ONCE)
            if keys:
                server.one("UNLINK", *keys)
            if cursor == b"0":
                break
        shutil.rmtree(server.folder, ignore_errors=True)
    finally:
        server.close()
