"""The queues: what waits in each, since when, and who takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from localq.model.job import JobState
from localq.model.orders import PAUSE
from localq.model.tally import Tally, percentile
from localq.model.worker import WorkerRow, WorkerState
from localq.monitor.queues import counts
from localq.store.protocol import Store

__all__ = ["Lately", "QueueSeen", "lately", "queues_seen"]

#: States in which a job of a queue is yet to be run.
_OPEN = (JobState.READY, JobState.SCHEDULED, JobState.WAITING)
#: What the present rate of a queue is counted over.
_RATE_US = 300_000_000


class Lately(NamedTuple):
    """How a queue went lately: jobs that finish in a second, and how long most of those of the last hour waited."""

    per_second: float = 0.0
    wait_p95: float | None = None
    run_p95: float | None = None
    finished: int = 0
    failed: int = 0


class QueueSeen(NamedTuple):
    """A queue. `oldest_at`: since when its longest waiting ready job could run. `by_state` has every state's count.

    `served_by` are names of live workers that serve it. `drains_in_s`: how long what is ready takes at the present
    rate; None where nothing is, or nothing tells. `paused_since` is None where it is not paused.
    """

    name: str
    ready: int
    waiting: int
    running: int
    by_state: Mapping[str, int]
    oldest_at: int | None
    paused_since: int | None
    served_by: tuple[str, ...]
    drains_in_s: float | None = None
    lately: Lately = Lately()

    @property
    def paused(self) -> bool:
        """Whether no worker takes jobs from it until it is resumed."""
        return self.paused_since is not None


def lately(tallies: Sequence[Tally], now: int) -> dict[str, Lately]:
    """Return how each queue went, of the tallies of the last hour."""
    by_queue: dict[str, list[Tally]] = {}
    for one in tallies:
        by_queue.setdefault(one.queue, []).append(one)
    return {name: _went(some, now) for name, some in by_queue.items()}


def _went(tallies: Sequence[Tally], now: int) -> Lately:
    waits: Counter[int] = Counter()
    runs: Counter[int] = Counter()
    for one in tallies:
        waits.update(one.waits)
        runs.update(one.runs)
    return Lately(
        sum(one.count for one in tallies if one.at >= now - _RATE_US) / (_RATE_US / 1e6),
        percentile(waits, 0.95),
        percentile(runs, 0.95),
        sum(one.count for one in tallies),
        sum(one.count for one in tallies if one.state == JobState.FAILED),
    )


def queues_seen(
    store: Store, workers: Sequence[WorkerRow], went: Mapping[str, Lately] | None = None
) -> list[QueueSeen]:
    """Return every queue that has jobs, is served by name, or is paused, by name.

    Args:
        went: How each queue went lately.
    """
    stats = store.read.stats()
    paused = store.mail.ordered_at(PAUSE)
    alive = [row.card for row in workers if row.state == WorkerState.ALIVE]
    names = {queue for queue, _ in stats.counts} | set(paused)
    names.update(queue for card in alive for queue in card.queues or ())
    by_state = counts(stats.counts)
    found = []
    for name in sorted(names):
        ready = stats.counts.get((name, JobState.READY), 0)
        went_so = (went or {}).get(name, Lately())
        found.append(
            QueueSeen(
                name,
                ready,
                sum(stats.counts.get((name, state), 0) for state in _OPEN),
                stats.counts.get((name, JobState.RUNNING), 0),
                by_state.get(name, {}),
                stats.waiting_since.get(name),
                paused.get(name),
                tuple(card.name for card in alive if card.served.serves(name)),
                ready / went_so.per_second if ready and went_so.per_second else None,
                went_so,
            )
        )
    return found
