"""How a store keeps what groups consist of."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Groups"]


class Groups(Protocol):
    """Groups that were saved."""

    def save(self, group_id: str, content: bytes | None, now: int) -> None:
        """Keep what a group consists of, until `prune` removes what was saved so long ago; None: drop it.

        Again: the same is kept, from `now` on.
        """
        ...

    def load(self, group_id: str) -> bytes | None:
        """Return what `save` kept, or None.

        Again: returns the same.
        """
        ...
