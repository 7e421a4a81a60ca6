"""Read what is around a job, for `why_not`."""

from __future__ import annotations

from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT, PAUSE, RATE
from localq.monitor.why_not import AHEAD, World
from localq.store.protocol import Store

__all__ = ["world_of"]


def world_of(store: Store, job: Job, *, own_rate: str | float | None = None, per_second: float | None = None) -> World:
    """Return what hinders a job, or might.

    Args:
        own_rate: The limit its task has by itself; an order for all workers goes over it.
        per_second: How many jobs of its queue end in a second.
    """
    orders = {(order.kind, order.name): order.value for order in store.mail.orders()}
    world = World(
        store.workers.all(),
        paused_since=store.mail.ordered_at(PAUSE).get(job.queue) if (PAUSE, job.queue) in orders else None,
        per_second=per_second,
        rate=orders.get((RATE, job.task)) or (str(own_rate) if own_rate else None),
    )
    if job.state == JobState.WAITING:
        return _awaiting(store, job, world)
    if job.state == JobState.READY or (job.state == JobState.SCHEDULED and job.run_at != PARKED_AT):
        return world._replace(ahead=store.read.ahead(job.id, AHEAD))
    return world


def _awaiting(store: Store, job: Job, world: World) -> World:
    _, ties = store.read.family(job.workflow or job.id)
    ids = [tie.awaited for tie in ties if tie.waiter == job.id and tie.awaited is not None]
    found = store.read.get(ids)
    culprit = store.read.inputs([job.id]).get(job.id)
    return world._replace(
        awaited=[found[one] for one in ids if one in found],
        culprit=None if culprit is None or culprit.culprit is None else culprit.culprit.job,
    )
