"""How long jobs of a task usually run, and which runs are far beyond that. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from localq.model.tally import Tally, percentile, size_of

__all__ = ["UNKNOWN", "Usual"]

#: Jobs of a task that must have run before anything is usual.
_KNOWN = 20
#: A run is far beyond what is usual where it takes so many times what 99 of 100 others took.
_TIMES, _MOST = 10, 0.99


class Usual:
    """How long jobs of each task ran.

    Args:
        tallies: What finished lately.
    """

    def __init__(self, tallies: Iterable[Tally]) -> None:
        # At once, and not when it is first asked for: what holds the answer must know how much work it was.
        runs: dict[str, Counter[int]] = {}
        for one in tallies:
            sizes = runs.setdefault(one.task, Counter())
            for size, count in one.runs.items():
                sizes[size] += count
        self._runs = {task: sizes for task, sizes in runs.items() if sizes.total() >= _KNOWN}
        self._halves = {task: percentile(sizes, 0.5) for task, sizes in self._runs.items()}

    def half(self, task: str) -> float | None:
        """Return the seconds within which half of a task's jobs ran; None where too few did to tell."""
        return self._halves.get(task)

    def far_beyond(self, task: str, ran_s: float) -> float | None:
        """Return the seconds that others took at most, where a run is far beyond them; else None.

        The run itself may be among those that are known: it is left out, for of a few it would be the longest.
        """
        half, sizes = self.half(task), self._runs.get(task)
        if sizes is None or half is None or ran_s <= _TIMES * half:
            return None
        own = size_of(int(ran_s * 1e6))
        most = percentile({**sizes, own: sizes[own] - 1} if sizes[own] else sizes, _MOST)
        return most if most is not None and ran_s > _TIMES * most else None


#: Where nothing is known to be usual.
UNKNOWN = Usual(())
