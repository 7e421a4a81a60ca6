"""Jobs on a Redis server: the facets of the protocol put together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.host.neighbours import Neighbours
from localq.store.forks import watch
from localq.store.redis.bells import RedisBells, RedisEvents
from localq.store.redis.groups import RedisGroups
from localq.store.redis.history import RedisHistory
from localq.store.redis.jobs import RedisJobs
from localq.store.redis.mail import RedisMail
from localq.store.redis.moving import RedisMoving
from localq.store.redis.reading import RedisReading
from localq.store.redis.schedules import RedisSchedules
from localq.store.redis.server import PATIENCE_S, RedisServer
from localq.store.redis.workers import RedisWorkers
from localq.store.wishes import NO_WISHES, Wishes

__all__ = ["RedisStore"]


class RedisStore:
    """Jobs and schedules on a Redis or Valkey server; see `localq.store.protocol.store.Store`.

    Args:
        patience_s: Seconds for which a server that was there is tried again.
        steady: The clock of leases, in microseconds; None: the server's.
        wishes: What the server must do beyond that.
    """

    shared = True

    def __init__(
        self,
        url: str,
        patience_s: float = PATIENCE_S,
        steady: Callable[[], int] | None = None,
        wishes: Wishes = NO_WISHES,
    ) -> None:
        self._over(RedisServer(url, patience_s, wishes=wishes), steady, wishes.outbox)

    def _over(self, server: RedisServer, steady: Callable[[], int] | None = None, outbox: str | None = None) -> None:
        self.server, self.name = server, server.name
        self.steady = steady
        self.neighbours = Neighbours(lambda: server.folder, all_here=False)
        self.bells, self.events = RedisBells(server), RedisEvents(server)
        self.groups = RedisGroups(server)
        self.mail = RedisMail(server)
        self.jobs = RedisJobs(server, self.bells, outbox)
        self.read = RedisReading(server)
        self.history = RedisHistory(server)
        self.moving = RedisMoving(server)
        self.schedules = RedisSchedules(server)
        self.workers = RedisWorkers(server, self.neighbours, steady)
        watch(self)

    def within(self, connection: Any) -> AbstractContextManager[Any]:
        """Refuse: the store shares no transaction."""
        raise ImproperlyConfigured(
            f"Jobs in {self.name} cannot be added by a connection of yours: Redis has no transactions to share. Add "
            "them after your commit."
        )

    def open(self) -> None:
        """Begin or check the store; see the protocol."""
        self.server.open()
        if self.jobs.outbox is not None:
            self.jobs.outbox.look()

    def close(self) -> None:
        """Let go of the connection; the next verb makes another."""
        if self.jobs.outbox is not None:
            self.jobs.outbox.close()
        self.server.close()

    def tend(self, now: int) -> None:
        """See to what others have brought and not added, and have left in the outbox; see the protocol."""
        self.jobs.staging.go_on()
        if self.jobs.outbox is not None:
            self.jobs.outbox.look()

    def hold(self, timeout_s: float) -> threading.RLock | None:
        """Take the server's lock for a fork, and return it; see `localq.store.forks`."""
        return self.server.hold(timeout_s)

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: start with nothing of what was inherited."""
        if self.jobs.outbox is not None:
            self.jobs.outbox.renew()
        self.server.leave_to_parent(held=held)
