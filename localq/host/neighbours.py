"""What workers on one computer know of each other, by the files each keeps in a store's folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from localq.host import presence
from localq.host.boot import boot_id
from localq.host.marks import started_jobs
from localq.host.presence import Presence

__all__ = ["Neighbours"]


class Neighbours:
    """The workers of a store that share this computer.

    Args:
        folder: Returns where their files are; None where the store belongs to one process.
        all_here: Whether there are none on other computers.

    Attributes:
        boot: Which start of the machine this is.
    """

    def __init__(self, folder: Callable[[], Path | None], *, all_here: bool = True) -> None:
        self._folder, self.all_here = folder, all_here
        self.boot = boot_id()

    def presence(self, uuid: str, slots: int) -> Presence | None:
        """Return the files of a new worker, with room for the marks of so many slots (0: nothing is marked)."""
        folder = self._folder()
        return None if folder is None else Presence(folder, uuid, slots)

    def went_down(self, boot: str) -> bool:
        """Whether a worker ended with an earlier start of this machine; False if it may be on another."""
        return self.all_here and boot != self.boot

    def is_dead(self, uuid: str) -> bool:
        """Whether a worker and its slots are proven dead; False if that is unknown."""
        folder = self._folder()
        return folder is not None and presence.is_dead(folder, uuid)

    def started(self, uuid: str) -> set[tuple[int, int]] | None:
        """Return key and run token of what a dead worker had started, and maybe not saved; None if that is unknown."""
        folder = self._folder()
        return None if folder is None else started_jobs(folder, uuid)

    def clear(self, gone: Iterable[str], known: Collection[str]) -> None:
        """Remove what the dead left: of workers that are gone, and of those that died before they were known."""
        folder = self._folder()
        if folder is not None:
            dead = [uuid for uuid in gone if presence.is_dead(folder, uuid)]
            for uuid in (*dead, *presence.abandoned(folder, known)):
                presence.remove(folder, uuid)
