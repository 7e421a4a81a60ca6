"""How a store knows its workers: who is there, whose lease holds, and which jobs the dead left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from localq.model.job import Job
from localq.model.worker import Beat, WorkerCard, WorkerRow

__all__ = ["Workers"]


class Workers(Protocol):
    """What workers say of themselves and of each other."""

    def enter(self, card: WorkerCard, now: int, lease_until: int) -> int:
        """Enter a worker; return its key."""
        ...

    def beat(
        self, worker: int, running: Mapping[int, int], lease_until: int, now: int, card: WorkerCard | None = None
    ) -> Beat:
        """Renew a worker's lease, and compare what it runs (`key -> run_token`) with what the store has and orders.

        Args:
            card: What it says of itself from now on; None: as before.
        """
        ...

    def leave(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; they can claim nothing from here on, and `lost` returns their jobs."""
        ...

    def all(self) -> list[WorkerRow]:
        """Return all workers that entered, those gone included, oldest first."""
        ...

    def lost(self, lease_now: int, boot_id: str, limit: int) -> list[Job]:
        """Return RUNNING jobs whose worker is gone, unknown, of another boot, or past its lease.

        Jobs of live workers never stand in front of these, however many there are.
        """
        ...
