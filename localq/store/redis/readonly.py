"""A store on a server as it is, for those who only look: nothing is made, and no script that writes is run."""

from __future__ import annotations

from localq.store.redis.server import PATIENCE_S, RedisServer
from localq.store.redis.store import RedisStore

__all__ = ["ReadOnlyStore"]


class ReadOnlyStore(RedisStore):
    """The facets of a store that is never written; only verbs that read work.

    Args:
        deadline_s: Seconds after which a question is given up, with a StoreError; None: never.
    """

    def __init__(self, url: str, deadline_s: float | None = None) -> None:
        self._over(RedisServer(url, PATIENCE_S, reads=True, deadline_s=deadline_s))
