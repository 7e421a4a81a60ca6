"""A worker's place among the workers of a store: its row, its lease, and its files beside the database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from localq.app.app import LocalQ
from localq.exceptions import StoreBusy
from localq.host.marks import mark_lease
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.ids import new_id
from localq.model.worker import Beat, Served, WorkerCard
from localq.store.protocol import Presence, Store
from localq.worker.autoscale import Bounds
from localq.worker.pool.contract import Pool

__all__ = ["Lease", "WorkerPlan"]

#: Seconds a starting worker tries to get into a file that others keep locked.
_ENTER_S = 30.0
#: Seconds by which a worker takes its lease for shorter than the store does.
_SOONER_S = 1.0


class WorkerPlan(NamedTuple):
    """What a worker is to be: its name, and the queues it serves (None: all but the excluded ones)."""

    name: str
    host: str
    pool_kind: str
    queues: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    autoscale: Bounds | None = None

    @property
    def served(self) -> Served:
        """The queues it serves."""
        return Served(self.queues, self.excluded)

    def card(self, uuid: str, size: int, tasks: Iterable[str]) -> WorkerCard:
        """Return what the worker says of itself, with so many slots."""
        return WorkerCard(
            uuid=uuid,
            name=self.name,
            host=self.host,
            pid=os.getpid(),
            pool=self.pool_kind,
            concurrency=size,
            queues=self.queues,
            excluded=self.excluded,
            tasks=tuple(sorted(tasks)),
        )


class Lease:
    """What the store knows of a worker.

    Args:
        app: Tasks and settings.
        plan: Written down as it is at the time of `register`; so is the size of the pool.
        presence: Made beforehand; None: no files, in a store that is the program's own.

    Attributes:
        key: The worker's number in the store; 0 before it is registered.
        plan: What the worker is now.
        beat_at: When the lease is to be renewed, in steady seconds.
        until: How long it may be counted on, in steady seconds: others may take over what is not begun afterwards.
    """

    def __init__(
        self, app: LocalQ, store: Store, plan: WorkerPlan, pool: Pool, clock: Clock, presence: Presence | None
    ) -> None:
        self.uuid = presence.uuid if presence is not None else new_id()
        self.key = 0
        self.beat_at = self.until = 0.0
        self.plan = plan
        self._app, self._store, self._pool, self._clock = app, store, pool, clock
        self._presence = presence

    def enter(self, before: Callable[[], None]) -> None:
        """Do something and register, in a file that may be locked for longer than a turn of the loop waits."""
        until = self._clock.steady() + _ENTER_S
        while True:
            try:
                before()
                return self.register()
            except StoreBusy:
                if self._clock.steady() > until:
                    raise

    def register(self) -> None:
        """Write down what this worker is, under a new number."""
        since = self._clock.steady()
        self.key = self._store.workers.enter(self._card(), self._clock.now(), self._lease_us())
        self._beaten(since)

    def describe(self) -> None:
        """Write down anew what this worker is, under the same number; what the store says to that comes again."""
        self._store.workers.beat(self.key, {}, self._lease_us(), self._clock.now(), self._card())

    def _card(self) -> WorkerCard:
        return self.plan.card(self.uuid, self._pool.size, self._app.tasks)

    def renew(self, hand: Mapping[str, int]) -> Beat:
        """Renew the lease of the worker and of the jobs in its hand; return what the store says to that."""
        since = self._clock.steady()
        beat = self._store.workers.beat(self.key, hand, self._lease_us(), self._clock.now())
        self._beaten(since)
        if beat.undone:
            emit("store.rolled_back", worker=self.plan.name, writes=beat.undone)
        return beat

    def lapsed(self) -> bool:
        """Whether the lease may be over, so that nothing must be begun: until the store says otherwise."""
        return self._clock.steady() >= self.until

    def _beaten(self, since: float) -> None:
        """Count from when the store was asked: it answered after it had written."""
        conf = self._app.conf
        self.beat_at = self._clock.steady() + conf.worker_heartbeat
        self.until = since + conf.worker_lease - min(_SOONER_S, conf.worker_lease / 4)
        if self._presence is not None and self._presence.marks is not None:
            # The slots hold to it by themselves: they run while this process is stopped.
            mark_lease(self._presence.marks, self.until)

    def _lease_us(self) -> int:
        return int(self._app.conf.worker_lease * 1e6)

    def bury(self) -> None:
        """Tell the store that the worker ends, and holds nothing."""
        self._store.workers.leave([self.key], self._clock.now())

    def leave(self, *, orderly: bool) -> None:
        """Let go of the store and the files; those of a disorderly end tell the rescuer what had started."""
        if self._presence is None:
            return
        self._store.close()
        if orderly:
            self._presence.close()
        elif self.plan.pool_kind not in ("threads", "solo"):
            # Its processes are dead or dying. Threads may go on with their jobs: those wait for the end of the lease.
            self._presence.leave()
