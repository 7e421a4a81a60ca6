"""The names that somebody may look for: looked up now and then, for all browsers together."""

from __future__ import annotations

import threading
from typing import NamedTuple

from localq.app import LocalQ
from localq.store.protocol import Store

__all__ = ["Known", "Names"]

#: How long names hold, in microseconds: counting a million jobs by queue takes some 60 ms.
_HOLD_US = 10_000_000
#: Names of a kind that are offered.
_MOST = 500


class Known(NamedTuple):
    """Names, each kind sorted."""

    tasks: list[str]
    queues: list[str]
    workers: list[str]


class Names:
    """Names of tasks, queues and workers, kept for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = Known([], [], [])
        self._until = 0

    def known(self, app: LocalQ, store: Store) -> Known:
        """Return the names that are known to the app, to workers, or of jobs that wait."""
        with self._lock:
            now = app.clock.now()
            if now >= self._until or self._until > now + _HOLD_US:
                self._known, self._until = _known(app, store), now + _HOLD_US
            return self._known


def _known(app: LocalQ, store: Store) -> Known:
    cards = [row.card for row in store.workers.all()]
    tasks = {task for _, task in store.read.waiting_tasks()} | set(app.tasks)
    queues = {queue for queue, _ in store.read.stats().counts}
    for card in cards:
        tasks.update(card.tasks)
        queues.update(card.queues or ())
    return Known(sorted(tasks)[:_MOST], sorted(queues)[:_MOST], sorted({card.name for card in cards})[:_MOST])
