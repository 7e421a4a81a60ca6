"""How much was written on a server, which only grows: where it went back, something was lost."""

from __future__ import annotations

__all__ = ["Writes"]


class Writes:
    """The number of writes that a server told of last, and how many it has lost since it was first asked.

    A replica that took over, or a server started on an older copy, has those up to some moment, and then its own.
    """

    def __init__(self) -> None:
        self._seen: int | None = None
        self._undone = 0

    @property
    def known(self) -> bool:
        """Whether it has told of any."""
        return self._seen is not None

    def see(self, count: int) -> None:
        """Take note of what the server has now."""
        self._undone += max(0, (self._seen or 0) - count)
        self._seen = count

    def undone(self) -> int:
        """Return how many were lost since this was last asked, at the least: new ones stand in the place of some."""
        undone, self._undone = self._undone, 0
        return undone
