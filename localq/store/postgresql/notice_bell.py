"""A bell that the thread of a process rings which listens to the server."""

from __future__ import annotations

import contextlib
import os
import select
from collections import deque
from collections.abc import Iterator
from typing import TypeVar

__all__ = ["MOST", "NoticeBell", "emptied", "plain"]

#: Words and events that a bell keeps for its owner; more are lost, as hints may be.
MOST = 10_000
_T = TypeVar("_T")


class NoticeBell:
    """A bell this process owns; see `localq.store.protocol.events.Hearing`."""

    def __init__(self, topic: str) -> None:
        self.topic, self._pid = topic, os.getpid()
        self._word: str | None = None
        self._said: deque[str] = deque(maxlen=MOST)
        self._got: deque[bytes] = deque(maxlen=MOST)
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)

    def hear(self, words: list[str]) -> None:
        """Be rung with words, or with none."""
        if self._word is not None:
            words = [word for word in words if word == self._word]
            if not words:
                return
        self._said.extend(words)
        self.wake()

    def take(self, data: bytes) -> None:
        """Be sent an event."""
        self._got.append(data)
        self.wake()

    def wake(self) -> None:
        """Be rung, whatever it listens for: something may have been missed."""
        with contextlib.suppress(OSError):
            os.write(self._in, b"x")

    def listen_for(self, word: str | None) -> None:
        """Be rung with this word alone from now on."""
        self._word = None if word is None else plain(word)

    def fileno(self) -> int:
        """Return the descriptor that is readable when the bell was rung."""
        return self._out

    def wait(self, timeout: float) -> bool:
        """Sleep until rung or until the timeout; the bell stays rung until `drain`."""
        return bool(self._poll.poll(max(0, timeout) * 1000))

    def _quiet(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self._out, 4096):
                pass

    def drain(self) -> list[str]:
        """Return the words that were said, without waiting."""
        self._quiet()
        return list(emptied(self._said))

    def receive(self) -> list[bytes]:
        """Return what was sent, each sending by itself, without waiting."""
        self._quiet()
        return list(emptied(self._got))

    def mine(self) -> bool:
        """Whether this process made the bell."""
        return self._pid == os.getpid()

    def close(self) -> None:
        """Take the bell down."""
        out, into, self._out, self._in = self._out, self._in, -1, -1
        for descriptor in (out, into):
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def closed(self) -> bool:
        """Whether it was taken down."""
        return self._out < 0

    def __del__(self) -> None:
        try:  # noqa: SIM105 - at the interpreter's end contextlib may be gone already
            self.close()
        except Exception:
            pass


def emptied(kept: deque[_T]) -> Iterator[_T]:
    """Yield what a queue holds, and more that comes meanwhile."""
    while kept:
        yield kept.popleft()


def plain(word: str) -> str:
    """Return a word as it can be sent."""
    return word.encode("utf-8", "replace").decode().replace("\0", "?")
