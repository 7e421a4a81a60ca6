"""What needs somebody: the things that are wrong now, each with where to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from localq.model.sizes import size_text
from localq.model.worker import WorkerRow, WorkerState
from localq.monitor.health_of_work import OVERDUE_US, unknown
from localq.monitor.why_not import Seconds
from localq.store import Short
from localq.store.protocol import Store
from localq.web.ask.queues import QueueSeen
from localq.web.ask.usual import Usual
from localq.web.ask.workers import WorkerSeen

__all__ = ["Need", "long_runs", "needs_of"]

NOT_SHORT = Short()
#: A job runs for long where it takes more than a minute, and far more than is usual.
_LONG_S = 60.0
#: Such jobs that are told.
_LONGEST = 3


class Need(NamedTuple):
    """One thing that is wrong: a sentence with the names of its values in braces, and the page that shows more."""

    kind: str
    text: str
    values: dict[str, object]
    link: str


def needs_of(
    store: Store,
    workers: Sequence[WorkerRow],
    queues: Sequence[QueueSeen],
    new_failures: dict[str, int],
    now: int,
    short: Short = NOT_SHORT,
) -> list[Need]:
    """Return what needs somebody, the worst first.

    Args:
        new_failures: How many jobs of a task failed lately, of tasks that did not fail before.
        short: What the store is short of.
    """
    alive = [row for row in workers if row.state == WorkerState.ALIVE]
    waiting = sum(queue.ready for queue in queues)
    found = _of_the_disk(short)
    if waiting and not alive:
        found.append(Need("no_worker", "No worker is alive, and {n} jobs wait.", {"n": waiting}, "workers"))
    for row in workers:
        if row.state == WorkerState.SILENT:
            silent = Seconds(max(0, now - row.seen_at) / 1e6)
            values: dict[str, object] = {"worker": row.card.name, "span": silent}
            found.append(Need("silent", "Worker {worker} has said nothing for {span}.", values, "workers"))
    for task, count in sorted(new_failures.items()):
        link = f"jobs?{urlencode({'state': 'FAILURE', 'task': task})}"
        found.append(Need("failing", "{task} has begun to fail: {n} jobs.", {"task": task, "n": count}, link))
    found += _of_queues(queues, bool(alive))
    for one in unknown(workers, store.read.stats().in_front):
        link = f"jobs?{urlencode({'task': one.task, 'queue': one.queue})}"
        text = "{n} jobs wait for {task}, which no live worker of queue {queue} knows."
        found.append(Need("unknown_task", text, {"n": one.jobs, "task": one.task, "queue": one.queue}, link))
    found += _overdue(store, now)
    return found


def _of_the_disk(short: Short) -> list[Need]:
    found = []
    if short.free is not None:
        found.append(Need("disk", "Only {size} are free on the disk.", {"size": size_text(short.free)}, "workers"))
    if short.log is not None:
        text = "The write-ahead log has grown to {size}: some program keeps a transaction open."
        found.append(Need("log", text, {"size": size_text(short.log)}, "workers"))
    return found


def long_runs(workers: Sequence[WorkerSeen], usual: Usual, now: int) -> list[Need]:
    """Return, of each task, the job that runs for longest where that is much longer than others of it took."""
    found: dict[str, tuple[float, Need]] = {}
    for job, since in ((job, one.since.get(job.id)) for one in workers for job in one.jobs):
        ran = (now - (since or now)) / 1e6
        most = usual.far_beyond(job.task, ran)
        if most is None or ran <= max(_LONG_S, found.get(job.task, (0.0,))[0]):
            continue
        values = {"task": job.task, "span": Seconds(ran), "usual": Seconds(most)}
        text = "A job of {task} has run for {span}; others take up to {usual}."
        found[job.task] = ran, Need("long", text, values, f"jobs/{quote(job.id, safe='')}")
    return [need for _, need in sorted(found.values(), key=lambda one: -one[0])[:_LONGEST]]


def _of_queues(queues: Sequence[QueueSeen], any_alive: bool) -> list[Need]:
    found = []
    for queue in queues:
        values: dict[str, object] = {"n": queue.ready, "queue": queue.name}
        link = f"queues/{queue.name}"
        if queue.paused:
            found.append(Need("paused", "Queue {queue} is paused; {n} jobs wait in it.", values, link))
        elif queue.ready and any_alive and not queue.served_by:
            found.append(Need("unserved", "{n} jobs wait in queue {queue}, which no live worker serves.", values, link))
    return found


def _overdue(store: Store, now: int) -> list[Need]:
    due = store.schedules.due(now - OVERDUE_US, 3).schedules
    return [
        Need(
            "overdue",
            "Schedule {name} has been due for {span}: no scheduler runs.",
            {"name": one.name, "span": Seconds((now - one.due_at) / 1e6)},
            f"schedules/{one.name}",
        )
        for one in due
        if one.due_at is not None and one.due_at <= now - OVERDUE_US
    ]
