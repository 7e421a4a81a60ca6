"""Where the laboratory's jobs are, and what may befall a server that they are on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from tests.store.redis_server import RedisServer
from tests.store.server import Server

__all__ = ["KINDS", "Blows", "place"]

KINDS = ("file", "redis", "postgresql")
Blows = Mapping[str, Callable[[], object]]


@contextlib.contextmanager
def place(kind: str) -> Iterator[tuple[str | None, Blows]]:
    """Return the URL of a new store, and what may befall its server."""
    if kind == "file":
        yield None, {}
        return
    one: RedisServer | Server
    if kind == "redis":
        one = RedisServer("--appendonly", "yes", "--appendfsync", "always")
        blows: dict[str, Callable[[], object]] = {
            "scripts": lambda: one.say("SCRIPT", "FLUSH"),  # type: ignore[union-attr]
            "connections": lambda: one.say("CLIENT", "KILL", "TYPE", "normal"),  # type: ignore[union-attr]
            "bells": lambda: one.say("CLIENT", "KILL", "TYPE", "pubsub"),  # type: ignore[union-attr]
        }
        url = one.url()
    else:
        one, blows = Server(), {}
        url = one.url

    def crash() -> None:
        one.kill()
        one.start()

    try:
        yield url, {**blows, "server": crash}
    finally:
        one.stop()
