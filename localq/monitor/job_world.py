"""Read what is around a job, for `why_not`."""

from __future__ import annotations

from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT, PAUSE, RATE
from localq.model.outcome import Ending
from localq.monitor.rate import per_second
from localq.monitor.why_not import AHEAD, AWAITED, World
from localq.store.protocol import Store

__all__ = ["world_of"]


def world_of(store: Store, job: Job, now: int, *, own_rate: str | float | None = None) -> World:
    """Return what hinders a job, or might.

    Args:
        own_rate: The limit its task has by itself; an order for all workers goes over it.
    """
    orders = {(order.kind, order.name): order.value for order in store.mail.orders()}
    world = World(
        store.workers.all(),
        paused_since=store.mail.ordered_at(PAUSE).get(job.queue) if (PAUSE, job.queue) in orders else None,
        rate=orders.get((RATE, job.task)) or (str(own_rate) if own_rate else None),
    )
    if job.state == JobState.WAITING:
        return _awaiting(store, job, world)
    if job.state == JobState.READY or (job.state == JobState.SCHEDULED and job.run_at != PARKED_AT):
        ahead = store.read.ahead(job.id, AHEAD)
        return world._replace(ahead=ahead, per_second=per_second(store, job.queue, now) if ahead else None)
    if job.state == JobState.FAILED and job.culprit is not None:
        return world._replace(culprit=_kept_from_running(store, job))
    return world


def _kept_from_running(store: Store, job: Job) -> Job | None:
    """Return the job that did not succeed before the others of a row, where that is why this one never ran."""
    _, last, _ = store.read.seen([job.id])[job.id]
    if last is None or last.ending != Ending.BEHIND.name:
        return None
    found, seen = None, {job.id}
    while job.culprit is not None:
        inputs = store.read.inputs([job.id]).get(job.id)
        if inputs is None or inputs.culprit is None or inputs.culprit.job.id in seen:
            break
        found = job = inputs.culprit.job
        seen.add(job.id)
    return found


def _awaiting(store: Store, job: Job, world: World) -> World:
    culprit = store.read.inputs([job.id]).get(job.id)
    return world._replace(
        awaited=store.read.awaited(job.id, AWAITED),
        culprit=None if culprit is None or culprit.culprit is None else culprit.culprit.job,
    )
