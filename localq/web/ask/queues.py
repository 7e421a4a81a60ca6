"""The queues: what waits in each, since when, and who takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from localq.model.job import JobState
from localq.model.orders import PAUSE
from localq.model.worker import WorkerRow, WorkerState
from localq.monitor.queues import counts
from localq.store.protocol import Store

__all__ = ["QueueSeen", "queues_seen"]

#: States in which a job of a queue is yet to be run.
_OPEN = (JobState.READY, JobState.SCHEDULED, JobState.WAITING)


class QueueSeen(NamedTuple):
    """A queue. `oldest_at`: since when its longest waiting ready job could run. `by_state` has every state's count.

    `served_by` are names of live workers that serve it. `drains_in_s`: how long what is ready takes at the present
    rate; None where nothing is, or nothing tells.
    """

    name: str
    ready: int
    waiting: int
    running: int
    by_state: Mapping[str, int]
    oldest_at: int | None
    paused: bool
    served_by: tuple[str, ...]
    drains_in_s: float | None = None


def queues_seen(
    store: Store, workers: Sequence[WorkerRow], per_second: Mapping[str, float] | None = None
) -> list[QueueSeen]:
    """Return every queue that has jobs, is served by name, or is paused, by name.

    Args:
        per_second: How many jobs of each queue finish in a second.
    """
    stats = store.read.stats()
    paused = {order.name for order in store.mail.orders() if order.kind == PAUSE}
    alive = [row.card for row in workers if row.state == WorkerState.ALIVE]
    names = {queue for queue, _ in stats.counts} | paused
    names.update(queue for card in alive for queue in card.queues or ())
    by_state = counts(stats.counts)
    found = []
    for name in sorted(names):
        ready = stats.counts.get((name, JobState.READY), 0)
        rate = (per_second or {}).get(name, 0.0)
        found.append(
            QueueSeen(
                name,
                ready,
                sum(stats.counts.get((name, state), 0) for state in _OPEN),
                stats.counts.get((name, JobState.RUNNING), 0),
                by_state.get(name, {}),
                stats.waiting_since.get(name),
                name in paused,
                tuple(card.name for card in alive if card.served.serves(name)),
                ready / rate if ready and rate else None,
            )
        )
    return found
