"""A bell that listens to channels of the server on a connection of its own."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol

from redis.exceptions import NoPermissionError, RedisError

from localq.exceptions import StoreError
from localq.store.protocol.bells import Topic

__all__ = ["CHANNELS", "EVENTS", "RedisBell", "plain", "words_of"]

#: Beside the topics of bells: what travels on it is told to who listens to events.
EVENTS = "events"
#: What is said to all who listen to a topic goes over these.
CHANNELS = {Topic.WORK: "work", Topic.RESULTS: "res", Topic.SCHEDULES: "sch", EVENTS: "ev"}
#: Seconds between two tries to reach the server again; and for how long, and how often, a new bell tries.
_AGAIN_S = 1.0
_FIRST_S, _PAUSE_S = 5.0, 0.1
#: Seconds for which `ch` says that somebody listens for one word alone, and after which it is said again.
_CHOOSY_S, _SAID_S = 60, 20.0


class _Server(Protocol):
    def connected(self, answer_s: float | None = None) -> Any: ...

    def channel(self, name: str) -> str: ...

    def key(self, name: str) -> str: ...

    def one(self, *command: Any) -> Any: ...

    def fail(self, error: BaseException) -> NoReturn: ...


class RedisBell:
    """A bell this process owns; see `localq.store.protocol.events.Hearing`.

    Args:
        name: Its own, by which it alone is rung; empty: it has none.
        down: Called with the name when it is taken down.

    `fileno` is that of a selector over the connection: it stays the same when a lost connection is made again.
    """

    def __init__(self, server: _Server, topic: str, name: str = "", down: Callable[[str], None] | None = None) -> None:
        self._server, self.topic, self.name, self._down = server, topic, name, down
        self._pid = os.getpid()
        self._word: str | None = None
        self._selector = selectors.DefaultSelector()
        self._poll = select.poll()
        self._poll.register(self._selector.fileno(), select.POLLIN)
        #: Whether it counts as rung, whatever the connection says: hints may have been lost.
        self._rung = False
        self._said: list[bytes] = []
        self._connection: Any = None
        self._descriptor = -1
        self._try_at = self._choosy_at = 0.0
        self._open = True
        try:
            self._hang()
        except BaseException:
            self._let_go()
            raise

    # The connection

    def _channels(self) -> list[str]:
        if self._word is not None:
            return [self._server.channel(f"res:{self._word}")]
        own = [self._server.channel(f"bell:{self.name}")] if self.name else []
        return [self._server.channel(CHANNELS[self.topic]), *own]

    def _hang(self) -> None:
        """Connect for the first time, for as long as a server that goes and comes is tried."""
        until = time.monotonic() + _FIRST_S
        while True:
            try:
                return self._connect()
            except (RedisError, OSError) as error:
                self._lost()
                if time.monotonic() > until or isinstance(error, NoPermissionError):
                    self._server.fail(error)
            time.sleep(_PAUSE_S)

    def _connect(self) -> None:
        connection = self._connection = self._server.connected()
        self._say("SUBSCRIBE", self._channels())
        self._descriptor = connection._sock.fileno()
        self._selector.register(self._descriptor, selectors.EVENT_READ)

    def _say(self, how: str, channels: list[str]) -> None:
        """Subscribe or unsubscribe, and wait until the server has: what is rung from then on is heard."""
        connection = self._connection
        connection.send_command(how, *channels)
        left = len(channels)
        while left:
            kind, _, said = connection.read_response()
            if kind == b"message":
                self._said.append(said)
            else:
                left -= 1

    def _lost(self) -> None:
        connection, self._connection = self._connection, None
        if self._descriptor >= 0:
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(self._descriptor)
        self._descriptor = -1
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.disconnect()
        self._try_at = time.monotonic() + _AGAIN_S

    def _seen_to(self) -> None:
        """Make a lost connection again, if it is time."""
        if self._connection is None and self._open and time.monotonic() >= self._try_at:
            try:
                self._connect()
                self._rung = True
            except (RedisError, OSError, StoreError):
                self._lost()
        if self._word is not None and time.monotonic() >= self._choosy_at:
            self._choosy_at = time.monotonic() + _SAID_S
            with contextlib.suppress(StoreError):
                self._server.one("SET", self._server.key("ch"), "1", "EX", _CHOOSY_S)

    # What its owner does

    def fileno(self) -> int:
        """Return the descriptor that is readable when the bell was rung."""
        return self._selector.fileno()

    def wait(self, timeout: float) -> bool:
        """Sleep until rung or until the timeout; the bell stays rung until `drain`."""
        self._seen_to()
        if self._hears():
            return True
        if not self._open:
            return False
        if not self._poll.poll(max(0, timeout) * 1000):
            return False
        self._read()
        return self._hears()

    def _hears(self) -> bool:
        return self._rung or bool(self._said)

    def _read(self) -> None:
        """Take all that the server has sent: what is left in the parser would wake nobody."""
        connection = self._connection
        if connection is None:
            return
        try:
            while connection.can_read(0):
                kind, _, said = connection.read_response()
                if kind == b"message":
                    self._said.append(said)
                    self._rung = True
        except (RedisError, OSError):
            self._lost()
            self._rung = True

    def _emptied(self) -> list[bytes]:
        self._seen_to()
        self._read()
        said, self._said, self._rung = self._said, [], False
        return said

    def drain(self) -> list[str]:
        """Return the words that were said, without waiting."""
        return [word for said in self._emptied() for word in said.decode("utf-8", "replace").split()]

    def receive(self) -> list[bytes]:
        """Return what was sent, each sending by itself, without waiting."""
        return self._emptied()

    def listen_for(self, word: str | None) -> None:
        """Be rung with this word alone from now on."""
        word = None if word is None else plain(word)
        if word == self._word:
            return
        before = self._channels()
        self._word, self._choosy_at = word, 0.0
        if self._connection is not None:
            try:
                self._say("SUBSCRIBE", self._channels())
                self._say("UNSUBSCRIBE", before)
            except (RedisError, OSError):
                self._lost()
        self._said, self._rung = [], False
        self._seen_to()

    def mine(self) -> bool:
        """Whether this process made the bell."""
        return self._pid == os.getpid()

    def close(self) -> None:
        """Take the bell down."""
        if self._open:
            self._let_go()
            if self._down is not None and self.mine():
                self._down(self.name)

    def _let_go(self) -> None:
        self._open = False
        self._lost()
        self._selector.close()

    @property
    def closed(self) -> bool:
        """Whether it was taken down."""
        return not self._open

    def __del__(self) -> None:
        try:
            # Nothing is asked of the server: its connection may be in the middle of something, on this thread.
            if self._open:
                self._let_go()
        except Exception:
            pass


def words_of(words: Iterable[str] | None) -> str | None:
    """Return words as they are sent: "" for None, None where there is nothing to say."""
    if words is None:
        return ""
    return " ".join(map(plain, words)) or None


def plain(word: str) -> str:
    """Return a word as it can be sent."""
    return word.encode("utf-8", "replace").decode()
