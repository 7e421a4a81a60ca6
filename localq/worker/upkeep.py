"""What a worker does beside running jobs: rescue those of dead workers, prune old ones, checkpoint, reap orphans.

Every worker does it for all; two that do the same at once do no harm, because each step is guarded in the store.
"""

from __future__ import annotations

import contextlib

from localq.app.app import LocalQ
from localq.exceptions import StoreError
from localq.host.orphans import reap_orphans
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.events import emit
from localq.store.protocol import Store
from localq.worker.rescue import Rescue

__all__ = ["Upkeep"]

#: Seconds between looks for dead workers by their locks.
_RESCUE_S = 1.0
#: Turns, and seconds, between two times that the store is tended: a turn may be for one short job.
_TURNS, _TEND_S = 8, 0.02
_PRUNE_S = 30.0
#: Microseconds that ledger rows of schedules are kept at least.
_LEDGER_KEPT_US = 24 * 3600 * 1_000_000
#: Rows pruned in one transaction.
_AT_ONCE = 500
#: Batches pruned at a worker's end, at most: a program that lives for a moment leaves no more than it found.
_LAST_BATCHES = 10


class Upkeep:
    """The upkeep a worker does between jobs.

    Args:
        app: Its settings.
        worker: The worker's name.
        rescue: Takes over the jobs of dead workers.
    """

    def __init__(self, app: LocalQ, worker: str, store: Store, clock: Clock, rescue: Rescue) -> None:
        self._app, self._worker, self._store, self._clock = app, worker, store, clock
        self._rescue = rescue
        self._rescue_at = 0.0
        # At once: a script's worker may not live long.
        self._prune_at = clock.steady()
        self._turns = 0
        self._tend_at = 0.0

    def tend(self) -> None:
        """Do what is due."""
        steady = self._clock.steady()
        self._turns += 1
        if (self._turns >= _TURNS and steady >= self._tend_at) or steady >= self._rescue_at:
            self._turns, self._tend_at = 0, steady + _TEND_S
            self._store.tend(self._clock.now())
        if steady >= self._rescue_at:
            self._rescue_at = steady + _RESCUE_S
            reap_orphans()
            if self._rescue.look():
                self._rescue_at = 0.0
        if steady >= self._prune_at:
            more = [self._prune_ledger(), self._prune()]
            self._prune_at = steady + (0 if any(more) else _PRUNE_S)

    def end(self) -> None:
        """Prune once more, before a worker ends in order; what the store refuses is left to the next one."""
        with contextlib.suppress(StoreError):
            for _ in range(_LAST_BATCHES):
                if not self._prune():
                    break

    def _prune_ledger(self) -> bool:
        """Remove one batch of old ledger rows of schedules that have many; return whether there may be more."""
        store, now = self._store, self._clock.now()
        return store.schedules.prune(now - _LEDGER_KEPT_US, _AT_ONCE) == _AT_ONCE

    def _prune(self) -> bool:
        """Remove one batch of what is older than `result_expires`; return whether there may be more."""
        kept = self._app.conf.result_expires
        if kept is None:
            return False
        failpoints.point("prune.inside")
        before = self._clock.now() - int(kept * 1e6)
        count = self._store.jobs.prune(before, _AT_ONCE)
        if count:
            emit("jobs.pruned", worker=self._worker, count=count)
        return count == _AT_ONCE
