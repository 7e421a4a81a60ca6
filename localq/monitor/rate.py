"""How fast a queue goes now."""

from __future__ import annotations

from localq.model.job import JobState
from localq.store.protocol import Store

__all__ = ["per_second"]

#: Stretches of time up to now (microseconds): the first in which enough jobs ended tells, the last in any case.
_LOOKS = (2_000_000, 30_000_000, 300_000_000)
_ENOUGH = 20


def per_second(store: Store, queue: str, now: int) -> float | None:
    """Return how many jobs of a queue ran to their end in a second, lately; None where none did in five minutes.

    However fast it goes, few jobs are looked at.
    """
    count, stretch = 0, _LOOKS[-1]
    for stretch in _LOOKS:
        ended = store.history.finished(now - stretch, now + 1, stretch)
        count = sum(one.count for one in ended if one.queue == queue and one.state != JobState.CANCELLED)
        if count >= _ENOUGH:
            break
    return count / (stretch / 1e6) if count else None
