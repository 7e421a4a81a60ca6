"""How many jobs have finished since the dashboard began to count, and how long they waited and ran."""

from __future__ import annotations

import threading
from collections import Counter
from typing import NamedTuple

from localq.model.tally import Tally, span_of
from localq.store.protocol import Store
from localq.web.metrics.exposition import Names

__all__ = ["MOST_NAMES", "Counted", "Totals"]

#: Tasks, queues and workers that have samples of their own.
MOST_NAMES = 200
_STEP_US = 10_000_000
#: A step that is over may still get jobs whose worker was slow to write.
_SETTLED_US = 5_000_000
#: What is counted of the time before the first question.
_BEFORE_US = 3_600_000_000


class Totals(NamedTuple):
    """Finished jobs by task, queue and state; spans in seconds, with how many were so long, and how long in all."""

    finished: Counter[tuple[str, str, int]]
    runs: dict[str, Counter[float]]
    run_s: dict[str, float]
    waits: dict[str, Counter[float]]


class Counted:
    """Adds up what the history tells of each step once it is over, so that no total ever falls."""

    def __init__(self) -> None:
        self._totals = Totals(Counter(), {}, {}, {})
        self._to: int | None = None
        self._tasks, self._queues = Names(MOST_NAMES), Names(MOST_NAMES)
        self._lock = threading.Lock()

    def totals(self, store: Store, now: int) -> Totals:
        """Return the totals up to some seconds ago."""
        with self._lock:
            until = (now - _SETTLED_US) // _STEP_US * _STEP_US
            start = (now - _BEFORE_US) // _STEP_US * _STEP_US if self._to is None else self._to
            if until > start:
                for one in store.history.finished(start, until, _STEP_US):
                    self._add(one)
                self._to = until
            return self._totals

    def _add(self, one: Tally) -> None:
        task, queue = self._tasks.of(one.task), self._queues.of(one.queue)
        self._totals.finished[task, queue, one.state] += one.count
        self._totals.run_s[task] = self._totals.run_s.get(task, 0.0) + one.run_us / 1e6
        runs = self._totals.runs.setdefault(task, Counter())
        waits = self._totals.waits.setdefault(queue, Counter())
        for size, count in one.runs.items():
            runs[span_of(size) / 1e6] += count
        for size, count in one.waits.items():
            waits[span_of(size) / 1e6] += count
