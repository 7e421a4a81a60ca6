"""How events, as Celery has them, travel: to whoever listens now, and to nobody later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from localq.store.protocol.bells import Bell

__all__ = ["Events", "Hearing"]


class Hearing(Bell, Protocol):
    """A bell of somebody who listens to events: what is sent to it is kept until it is received."""

    def receive(self) -> list[bytes]:
        """Return what was sent, each sending by itself, without waiting."""
        ...


class Events(Protocol):
    """Events are hints, and get lost."""

    def listen(self) -> Hearing:
        """Return a bell for who listens to events.

        Again: another bell; each is to be closed.
        """
        ...

    def listened(self) -> bool:
        """Whether anybody listens to events; cheap enough for twice a second.

        Again: looks once more.
        """
        ...

    def send(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send at most 60,000 bytes to everybody who listens.

        Again: whoever listens may receive it twice.

        Args:
            only: Those an earlier call returned.

        Returns:
            Who had no room for it.
        """
        ...
