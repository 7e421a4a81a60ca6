"""The names that somebody may look for: looked up now and then, for all browsers together."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from time import monotonic
from typing import NamedTuple

from localq.app import LocalQ
from localq.exceptions import StoreError
from localq.store.protocol import Store

__all__ = ["Known", "Names", "Waiting"]

#: How long names hold, in microseconds: counting a million jobs by queue takes some 60 ms.
_HOLD_US = 10_000_000
#: How many times as long as it took a count of what waits holds.
_REST = 20
#: Names of a kind that are offered.
_MOST = 500


class Known(NamedTuple):
    """Names, each kind sorted."""

    tasks: list[str]
    queues: list[str]
    workers: list[str]


class Waiting(NamedTuple):
    """How many jobs wait, by queue and task; where there are so many that counting is given up, at least so many."""

    counts: Mapping[tuple[str, str], int]
    whole: bool


def _waiting(store: Store) -> Waiting:
    try:
        return Waiting(store.read.waiting_tasks(), True)
    except StoreError:
        return Waiting(store.read.stats().in_front, False)


class Names:
    """Names of tasks, queues and workers, and how many jobs wait, each kept for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = Waiting({}, True)
        self._waiting_until = -math.inf
        self._known = Known([], [], [])
        self._until = 0

    def known(self, app: LocalQ, store: Store) -> Known:
        """Return the names that are known to the app, to workers, or of jobs that wait."""
        with self._lock:
            now = app.clock.now()
            if now >= self._until or self._until > now + _HOLD_US:
                self._known, self._until = _known(app, store, self._counted(store)), now + _HOLD_US
            return self._known

    def waiting(self, store: Store) -> Waiting:
        """Return how many jobs wait: counted anew, unless that took long a short while ago."""
        with self._lock:
            return self._counted(store)

    def _counted(self, store: Store) -> Waiting:
        began = monotonic()
        if began >= self._waiting_until:
            self._waiting = _waiting(store)
            self._waiting_until = monotonic() + _REST * (monotonic() - began)
        return self._waiting


def _known(app: LocalQ, store: Store, waiting: Waiting) -> Known:
    cards = [row.card for row in store.workers.all()]
    tasks = {task for _, task in waiting.counts} | set(app.tasks)
    queues = {queue for queue, _ in store.read.stats().counts}
    for card in cards:
        tasks.update(card.tasks)
        queues.update(card.queues or ())
    return Known(sorted(tasks)[:_MOST], sorted(queues)[:_MOST], sorted({card.name for card in cards})[:_MOST])
