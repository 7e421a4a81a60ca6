"""What memory a worker and its slots hold, as samples that are taken when somebody asks."""

from __future__ import annotations

import os
from collections.abc import Iterable

from localq.worker.pool.process_facts import resident_kb

__all__ = ["MemorySamples"]

#: Samples kept: the last ones.
_MOST = 500


class MemorySamples:
    """The samples taken so far, in KiB."""

    def __init__(self) -> None:
        self._taken: list[int] = []

    def take(self, slots: Iterable[int]) -> int:
        """Take a sample of this process and its slots', and return it."""
        self._taken.append(sum(resident_kb(pid) for pid in {os.getpid(), *slots}))
        del self._taken[:-_MOST]
        return self._taken[-1]

    def last(self, count: int) -> list[int]:
        """Return the last samples, oldest first."""
        return self._taken[-count:] if count > 0 else []
