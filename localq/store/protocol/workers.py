"""How a store knows its workers: who is there, whose lease holds, and which jobs the dead left behind.

A lease is a span of time that the store measures with a clock of its own: no worker's clock decides of another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from localq.model.worker import Beat, Lost, WorkerCard, WorkerRow

__all__ = ["Presence", "Workers"]


class Presence(Protocol):
    """What proves that a worker of this process lives, for as long as it does.

    `marks` is where its slots mark what they start, in the file of that path; None: nowhere.
    """

    uuid: str
    marks: Any
    marks_path: str

    def close(self) -> None:
        """Take it away: the worker ends, and holds nothing."""
        ...

    def leave(self) -> None:
        """Let go of it, and leave the proof of a death and the word of what had started to others."""
        ...


class Workers(Protocol):
    """What workers say of themselves and of each other."""

    def presence(self, slots: int) -> Presence | None:
        """Return what proves that a worker of this process lives, and where its slots mark what they start.

        Again: makes another, and the worker is known by the one it enters with; close the other.

        Args:
            slots: The number of slots that mark what they start; 0: none does, and all it claimed counts as started.

        Returns:
            None where the store belongs to this process alone.
        """
        ...

    def enter(self, card: WorkerCard, now: int, lease_us: int, namesakes: Collection[int] | None = None) -> int:
        """Enter a worker whose lease holds for so many microseconds; return its key.

        One that is there by its `uuid`, and not declared gone, is entered anew under its key.

        Again: the key is the same, and the lease holds from now on.

        Args:
            namesakes: The keys of those that may have its name: where another has it, nobody is entered, and 0 is
                returned. None: any may.
        """
        ...

    def beat(
        self, worker: int, running: Mapping[str, int], lease_us: int, now: int, card: WorkerCard | None = None
    ) -> Beat:
        """Renew a worker's lease, and compare what it runs (`id -> run_token`) with what the store has and orders.

        Again: answers by what holds by then.

        Args:
            card: What it says of itself from now on; None: as before.
        """
        ...

    def leave(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; they can claim nothing from here on, and `lost` returns their jobs.

        Again: they stay gone.
        """
        ...

    def all(self) -> list[WorkerRow]:
        """Return all workers that entered, those gone included, oldest first.

        Again: looks once more.
        """
        ...

    def lost(self, limit: int) -> list[Lost]:
        """Return RUNNING jobs whose worker is declared gone, unknown, or went down with its machine.

        Those of one that is only silent are not among them: whoever looks gives it the time to come back, and then
        declares it gone. Jobs of live workers never stand in front of these, however many there are. When there are
        none any more, the files of dead workers on this computer go.

        What had begun is told by the marks of slots, and not by heartbeats: those are seconds old, and of a job that
        must not run twice nobody may say that it had not begun. A store that sees no marks says that it cannot tell.

        Again: returns the same jobs, until somebody finishes or requeues them.
        """
        ...
