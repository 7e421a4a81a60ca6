"""What ends a worker's wait: the bell of its store, the slots of its pool, its own program."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable

from localq.store.protocol import Bell

__all__ = ["Wakeup"]


class Wakeup:
    """Where a worker waits for something to happen.

    Attributes:
        selector: What it waits for; each key's data is called, without arguments, when its file is ready.
    """

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._awake, self._wake = socket.socketpair()
        for end in (self._awake, self._wake):
            end.setblocking(False)
        #: Hears nothing but `wake`.
        self._calm = selectors.DefaultSelector()
        self._calm.register(self._awake, selectors.EVENT_READ)

    def listen(self, bell: Bell, ring: Callable[[], None]) -> None:
        """Wait for a bell as well, and for `wake`."""
        self.selector.register(bell.fileno(), selectors.EVENT_READ, ring)
        self.selector.register(self._awake, selectors.EVENT_READ, self._waken)

    def wake(self) -> None:
        """End the wait; from any thread, and from signal handlers."""
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def _waken(self) -> None:
        with contextlib.suppress(OSError):
            self._awake.recv(4096)

    def wait(self, seconds: float, first: Callable[[], None]) -> None:
        """Wait until something happens, and let it be dealt with.

        Args:
            first: Called before that: much time may have passed.
        """
        ready = self.selector.select(seconds)
        first()
        for key, _ in ready:
            key.data()

    def rest(self, seconds: float) -> None:
        """Wait for nothing but `wake`."""
        self._calm.select(seconds)

    def close(self) -> None:
        """Let go of what it holds; the bell is its owner's."""
        self.selector.close()
        self._calm.close()
        self._awake.close()
        self._wake.close()
