"""How many jobs finished over time: asked of the store once, and then only what is new."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from localq.exceptions import StoreError
from localq.model.job import JobState
from localq.model.tally import Tally, percentile
from localq.store.protocol import Store

__all__ = ["WINDOWS", "Figures", "Point", "Series", "Window", "figures", "points"]

#: A step that is over may still get jobs whose worker was slow to write.
_SETTLED_US = 5_000_000


class Window(NamedTuple):
    """A stretch of time up to now, in steps (microseconds)."""

    name: str
    length_us: int
    step_us: int


_MINUTE, _HOUR = 60_000_000, 3_600_000_000
WINDOWS = {
    "1h": Window("1h", _HOUR, _MINUTE),
    "24h": Window("24h", 24 * _HOUR, 10 * _MINUTE),
    "7d": Window("7d", 7 * 24 * _HOUR, _HOUR),
}


class Point(NamedTuple):
    """What finished in a step from `at`."""

    at: int
    finished: int
    failed: int


class Figures(NamedTuple):
    """What a stretch of time comes to. Spans are seconds; None where nothing ran."""

    finished: int
    failed: int
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    run_p99: float | None

    @property
    def failed_share(self) -> float | None:
        """The share of what finished that failed."""
        return self.failed / self.finished if self.finished else None


class Series:
    """The tallies of one step length, kept for all pages of a dashboard.

    Args:
        kept_us: How far back they are kept: twice a window, so that it can be compared with the one before.
    """

    def __init__(self, step_us: int, kept_us: int) -> None:
        self._step, self._kept = step_us, kept_us
        self._settled: list[Tally] = []
        self._settled_to = 0
        self._piece = _HOUR
        self._lock = threading.Lock()

    def read_on(self, store: Store, now: int) -> bool:
        """Read the next piece of the past, and return whether there is more: what a question may take is limited."""
        with self._lock:
            oldest = (now - self._kept) // self._step * self._step
            start = max(self._settled_to, oldest)
            until = (now - _SETTLED_US) // self._step * self._step
            if start >= until:
                return False
            end = min(until, start + max(self._piece // self._step, 1) * self._step)
            try:
                fresh = store.history.finished(start, end, self._step)
            except StoreError:
                # So many finished then that they are asked for in smaller pieces.
                if end - start <= self._step:
                    raise
                self._piece = (end - start) // 2
                return True
            self._settled = [one for one in self._settled if one.at >= oldest] + fresh
            self._settled_to = end
            return end < until

    def since(self, store: Store, begin: int, now: int) -> list[Tally]:
        """Return the tallies of the steps from a time on, up to now."""
        while self.read_on(store, now):
            pass
        with self._lock:
            unsettled = store.history.finished(self._settled_to, now + 1, self._step)
            return [one for one in (*self._settled, *unsettled) if one.at >= begin]


def points(tallies: Iterable[Tally], begin: int, end: int, step_us: int) -> list[Point]:
    """Return a point for each step, those included in which nothing finished."""
    finished: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    for one in tallies:
        finished[one.at] += one.count
        if one.state == JobState.FAILED:
            failed[one.at] += one.count
    first = begin // step_us * step_us
    return [Point(at, finished[at], failed[at]) for at in range(first, end + 1, step_us)]


def figures(tallies: Iterable[Tally]) -> Figures:
    """Return what tallies come to."""
    finished = failed = 0
    waits: Counter[int] = Counter()
    runs: Counter[int] = Counter()
    for one in tallies:
        finished += one.count
        failed += one.count if one.state == JobState.FAILED else 0
        waits.update(one.waits)
        runs.update(one.runs)
    return Figures(
        finished, failed, percentile(waits, 0.95), percentile(runs, 0.5), percentile(runs, 0.95), percentile(runs, 0.99)
    )
