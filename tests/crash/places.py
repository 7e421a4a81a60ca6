"""Where the laboratory's jobs are, and what may befall a server that they are on."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping

from tests.store.redis_server import RedisServer
from tests.store.server import Server

__all__ = ["FORGETFUL", "KINDS", "Blows", "PostgresqlBlows", "place"]

KINDS = ("file", "redis", "postgres")
#: Blows after which a server may have lost what workers wrote last, as it says; so that it runs once more.
FORGETFUL = frozenset({"restart", "away"})
Blows = Mapping[str, Callable[[], object]]


@contextlib.contextmanager
def place(kind: str) -> Iterator[tuple[str | None, Blows]]:
    """Return the URL of a new store, and what may befall its server."""
    if kind == "file":
        yield None, {}
        return
    if kind == "postgres":
        server = Server("deadlock_timeout=50ms")
        try:
            yield f"{server.url}&schema=lab", PostgresqlBlows(server).all()
        finally:
            server.stop()
        return
    one = RedisServer("--appendonly", "yes", "--appendfsync", "always")

    def crash() -> None:
        one.kill()
        one.start()

    blows: dict[str, Callable[[], object]] = {
        "scripts": lambda: one.say("SCRIPT", "FLUSH"),
        "connections": lambda: one.say("CLIENT", "KILL", "TYPE", "normal"),
        "bells": lambda: one.say("CLIENT", "KILL", "TYPE", "pubsub"),
        "server": crash,
    }
    try:
        yield one.url(), blows
    finally:
        one.stop()


class PostgresqlBlows:
    """What may befall a PostgreSQL server, whose store is in the schema `lab`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def all(self) -> dict[str, Callable[[], object]]:
        """Return each by its name."""
        return {
            "restart": self.restart,
            "away": lambda: self.restart(random.uniform(1.0, 4.0)),
            "connections": lambda: self.to_each("pg_terminate_backend"),
            "statements": lambda: self.to_each("pg_cancel_backend"),
            "lock": lambda: self.lock(random.uniform(0.2, 2.0)),
        }

    def restart(self, away_s: float = 0.0) -> None:
        """Let the server crash, and start it again after a while, in which others find it gone."""
        self.server.kill()
        time.sleep(away_s)
        self.server.start()

    def to_each(self, end: str) -> None:
        """Do something to all sessions of LocalQ."""
        self._by_another(f"SELECT {end}(pid) FROM pg_stat_activity WHERE application_name = 'localq'")

    def lock(self, seconds: float) -> None:
        """Have another session lock the jobs for a while, as somebody at a prompt does."""
        self._by_another(f"LOCK TABLE lab.job IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds})")

    def _by_another(self, text: str) -> None:
        import psycopg

        with psycopg.connect(self.server.url) as connection:
            connection.execute(text)  # type: ignore[arg-type]
