"""One queue: what its page says of it."""

from __future__ import annotations

from typing import NamedTuple

from localq.app import LocalQ
from localq.model.audit import ChangeRow
from localq.model.worker import WorkerState
from localq.store.protocol import Store
from localq.web.ask.listing import Asked, Line, listing
from localq.web.ask.overview import Past
from localq.web.ask.queues import QueueSeen, lately, queues_seen

__all__ = ["QueueWhole", "all_queues", "queue_whole", "target"]

#: Jobs and changes that are shown, the newest.
_JOBS, _CHANGES = 15, 10


class QueueWhole(NamedTuple):
    """A queue with what waits in front by task, its newest jobs, and who changed it."""

    seen: QueueSeen
    in_front: list[tuple[str, int]]
    jobs: list[Line]
    changes: list[ChangeRow]
    any_worker: bool


def target(queue: str) -> str:
    """Return what the book of changes calls a queue."""
    return f"queue {queue}"


def all_queues(store: Store, past: Past, now: int) -> list[QueueSeen]:
    """Return every queue, with its rate and how long jobs wait in it."""
    return past.shared(
        "queues", lambda: queues_seen(store, store.workers.all(), lately(past.last_hour(store, now), now))
    )


def queue_whole(app: LocalQ, store: Store, past: Past, name: str, now: int) -> QueueWhole | None:
    """Return a queue; None where nothing ever was in one of that name, nobody serves it, and it is not paused."""
    seen = next((one for one in all_queues(store, past, now) if one.name == name), None)
    if seen is None:
        return None
    in_front = [(task, count) for (queue, task), count in store.read.stats().in_front.items() if queue == name]
    return QueueWhole(
        seen,
        sorted(in_front, key=lambda one: (-one[1], one[0])),
        listing(app, store, Asked(queues=(name,), lines=_JOBS)).lines,
        store.history.changes(_CHANGES, target=target(name)),
        any(row.state == WorkerState.ALIVE for row in store.workers.all()),
    )
