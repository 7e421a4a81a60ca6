"""How many slots a worker has: as many as it was told to, or as there is work for, within bounds."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from localq.model.clock import Clock
from localq.model.worker import Served
from localq.store.protocol import Jobs
from localq.worker.pool.contract import Pool

__all__ = ["KEEPALIVE_S", "Autoscaler", "Bounds", "PoolSize", "wanted_size"]

#: Seconds without need for a slot after which it goes.
KEEPALIVE_S = 30.0
#: Seconds between two thoughts about the pool's size.
_THOUGHT_S = 0.02


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


class _Plan(Protocol):
    """What the worker is to be."""

    @property
    def served(self) -> Served: ...


class _Listed(Protocol):
    """What the store knows of the worker."""

    @property
    def plan(self) -> _Plan: ...

    def describe(self) -> None: ...


class PoolSize:
    """The size of a worker's pool.

    Args:
        lease: The worker's; it says what the store is told when the size changes.
        bounds: The most and the fewest slots, where their number follows the demand from the start.

    Attributes:
        autoscaler: What decides by demand; None: the size is what it was told to be.
    """

    def __init__(self, pool: Pool, jobs: Jobs, clock: Clock, lease: _Listed, bounds: Bounds | None) -> None:
        self.autoscaler: Autoscaler | None = None
        self._pool, self._jobs, self._clock, self._lease = pool, jobs, clock, lease
        self._thought_at = 0.0
        if bounds is not None:
            self.autoscale(bounds)

    def autoscale(self, bounds: Bounds) -> None:
        """Keep the size within bounds, by demand, from now on."""
        self.autoscaler = Autoscaler(bounds, self._clock.steady())

    def resize(self, size: int) -> None:
        """Change the size, and what the store says of it."""
        if size != self._pool.size:
            self._pool.resize(size)
            self._lease.describe()

    def tend(self) -> None:
        """Follow the demand, where the size does that."""
        scaler = self.autoscaler
        if scaler is None:
            return
        steady = self._clock.steady()
        if steady - self._thought_at < _THOUGHT_S:
            return
        self._thought_at = steady
        size = self._pool.size
        demand = len(self._pool.in_hand())
        if demand >= size or size < scaler.bounds.fewest:
            demand += self._jobs.backlog(self._lease.plan.served, scaler.bounds.most)
        self.resize(scaler.size(size, demand, steady))
