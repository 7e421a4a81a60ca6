"""Bells and events by publish and subscribe; what scripts ring by themselves is in `lua/wake.lua`."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterable

from localq.exceptions import StoreError
from localq.store.protocol.bells import Bell, Topic
from localq.store.protocol.events import Hearing
from localq.store.redis.bell import CHANNELS, EVENTS, RedisBell, words_of
from localq.store.redis.server import RedisServer

__all__ = ["RedisBells", "RedisEvents"]


class RedisBells:
    """See `localq.store.protocol.bells.Bells`."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._work: weakref.ref[RedisBell] | None = None

    @property
    def own(self) -> str:
        """The name of this process's bell for work, by which a claim says whom to ring; empty: it has none."""
        bell = None if self._work is None else self._work()
        return bell.name if bell is not None and not bell.closed and bell.mine() else ""

    def hang(self, topic: Topic) -> Bell:
        """Return a bell that rings for a topic."""
        if topic != Topic.WORK:
            return RedisBell(self._server, topic)
        bell = RedisBell(self._server, topic, os.urandom(8).hex(), self._down)
        self._work = weakref.ref(bell)
        # Until its worker's first claim it hears of everything.
        self._server.one("SADD", self._server.key("idle"), bell.name)
        return bell

    def _down(self, name: str) -> None:
        """See to it that nobody rings a bell that is no more, if the server is there."""
        if self._server.is_connected:
            with contextlib.suppress(StoreError):
                key = self._server.key
                self._server.ask(("SREM", key("idle"), name), ("SREM", key("rung"), name), ("HDEL", key("ix"), name))

    def ring(self, topic: Topic, words: Iterable[str] | None = None) -> None:
        """Ring every bell of a topic, or those that hear words."""
        said = words_of(words)
        if said is not None:
            self._server.open()
            self._server.one("PUBLISH", self._server.channel(CHANNELS[topic]), said)

    def heard(self, topic: Topic) -> bool:
        """Return True: only the server knows, and to ask it takes longer than to ring."""
        return True

    def changed(self) -> bool:
        """Whether anybody wrote since this was last asked."""
        return self._server.changed()


class RedisEvents:
    """See `localq.store.protocol.events.Events`."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def listen(self) -> Hearing:
        """Return a bell for who listens to events."""
        return RedisBell(self._server, EVENTS)

    def listened(self) -> bool:
        """Whether anybody listens to events."""
        self._server.open()
        return int(self._server.one("PUBSUB", "NUMSUB", self._server.channel(CHANNELS[EVENTS]))[1]) > 0

    def send(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send to who listens; the server keeps what they have not received yet."""
        self._server.open()
        self._server.one("PUBLISH", self._server.channel(CHANNELS[EVENTS]), data)
        return []
