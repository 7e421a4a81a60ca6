"""The verbs about saved groups; see `localq.store.protocol.groups`."""

from __future__ import annotations

from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["RedisGroups"]

_SAVE = script("save_group")


class RedisGroups:
    """Groups that were saved."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def save(self, group_id: str, content: bytes | None, now: int) -> None:
        """Keep what a group consists of, or drop it; see the protocol."""
        self._server.run(_SAVE, group_id, now, *([] if content is None else [content]))

    def load(self, group_id: str) -> bytes | None:
        """Return what `save` kept; see the protocol."""
        found: bytes | None = self._server.one("GET", self._server.key(f"G:{group_id}"))
        return found
