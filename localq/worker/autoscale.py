"""How many slots a worker should have: as many as there is work for, within bounds."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KEEPALIVE_S", "Autoscaler", "Bounds", "wanted_size"]

#: Seconds without need for a slot after which it goes.
KEEPALIVE_S = 30.0


class Bounds(NamedTuple):
    """The most and the fewest slots."""

    most: int
    fewest: int


def wanted_size(size: int, bounds: Bounds, demand: int, quiet_s: float) -> int:
    """Return the size a pool should have: more at once, fewer only after a while.

    Args:
        demand: Jobs that could run now: those at hand, and those that are ready and find no slot.
        quiet_s: Seconds since the pool was last too small, or just large enough.
    """
    wanted = min(bounds.most, max(bounds.fewest, demand))
    if size > bounds.most or wanted > size:
        return wanted
    return wanted if quiet_s >= KEEPALIVE_S else size


class Autoscaler:
    """Keeps what `wanted_size` needs to know of the past."""

    def __init__(self, bounds: Bounds, steady: float) -> None:
        self.bounds = bounds
        self._busy_at = steady

    def size(self, size: int, demand: int, steady: float) -> int:
        """Return the size the pool should have at a moment (steady seconds)."""
        if demand >= size:
            self._busy_at = steady
        return wanted_size(size, self.bounds, demand, steady - self._busy_at)
