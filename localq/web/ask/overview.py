"""The first look: is all well, how much is done, what waits, who works, what comes next."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from localq.model.job import JobState
from localq.model.schedule import Schedule, ScheduleState
from localq.model.tally import Tally
from localq.store.protocol import Store
from localq.web.ask.held import Held
from localq.web.ask.needs import Need, needs_of
from localq.web.ask.queues import QueueSeen, lately, queues_seen
from localq.web.ask.series import WINDOWS, Figures, Point, Series, Window, figures, points
from localq.web.ask.workers import WorkerSeen, workers_seen

__all__ = ["Overview", "Past", "overview"]

T = TypeVar("T")
_HOUR, _MINUTE = 3_600_000_000, 60_000_000
#: Schedules that are shown, the next to fire.
_NEXT = 5


class Past:
    """The series of every window, kept as long as the dashboard runs."""

    def __init__(self) -> None:
        self._series = {name: Series(one.step_us, 2 * one.length_us) for name, one in WINDOWS.items()}
        self._shared: dict[str, Held] = {}
        self._lock = threading.Lock()

    def shared(self, name: str, find: Callable[[], T]) -> T:
        """Return an answer that all browsers share for as long as it was costly to find."""
        with self._lock:
            held = self._shared.setdefault(name, Held())
        return held.get(find)

    def tallies(self, store: Store, window: Window, now: int, *, before: bool = False) -> list[Tally]:
        """Return the tallies of a window up to now; of the one before it as well, if asked for."""
        begin = now - window.length_us * (2 if before else 1)
        return self._series[window.name].since(store, begin, now)

    def read_on(self, store: Store, now: int) -> bool:
        """Read a piece of what pages will ask for, the shortest window first; return whether there is more."""
        return any(series.read_on(store, now) for series in self._series.values())

    def last_hour(self, store: Store, now: int) -> list[Tally]:
        """Return the tallies of the last hour."""
        return self.tallies(store, WINDOWS["1h"], now)


class Overview(NamedTuple):
    """What the first page shows. `hour` and `hour_before` are what the last hour and the one before come to.

    `minutes` are the points of the last hour, `chart` those of the window asked for.
    """

    empty: bool
    needs: list[Need]
    hour: Figures
    hour_before: Figures
    minutes: list[Point]
    window: Window
    chart: list[Point]
    queues: list[QueueSeen]
    workers: list[WorkerSeen]
    next_firings: list[Schedule]

    @property
    def slots(self) -> int:
        """How many jobs can run at a time."""
        return sum(one.row.card.concurrency for one in self.workers)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(queue.running for queue in self.queues)


def overview(store: Store, past: Past, window: Window, now: int) -> Overview:
    """Return what the first page shows."""
    return past.shared(f"overview {window.name}", lambda: _overview(store, past, window, now))


def _overview(store: Store, past: Past, window: Window, now: int) -> Overview:
    rows = store.workers.all()
    two_hours = past.tallies(store, WINDOWS["1h"], now, before=True)
    split = now - _HOUR
    hour = [one for one in two_hours if one.at >= split]
    earlier = [one for one in two_hours if one.at < split]
    queues = queues_seen(store, rows, lately(hour, now))
    whole = hour if window.name == "1h" else past.tallies(store, window, now)
    return Overview(
        empty=not queues and not any(row for row in rows),
        needs=needs_of(store, rows, queues, _new_failures(hour, earlier), now),
        hour=figures(hour),
        hour_before=figures(earlier),
        minutes=points(hour, split, now, _MINUTE),
        window=window,
        chart=points(whole, now - window.length_us, now, window.step_us),
        queues=queues,
        workers=workers_seen(store, rows),
        next_firings=_next_firings(store),
    )


def _new_failures(hour: Sequence[Tally], earlier: Sequence[Tally]) -> dict[str, int]:
    """Return how many jobs failed in the last hour, of tasks of which none did in the hour before."""
    failed: Counter[str] = Counter()
    for one in hour:
        if one.state == JobState.FAILED:
            failed[one.task] += one.count
    known = {one.task for one in earlier if one.state == JobState.FAILED}
    return {task: count for task, count in failed.items() if task not in known}


def _next_firings(store: Store) -> list[Schedule]:
    found = [one for one in store.schedules.find(states=(ScheduleState.ACTIVE,)) if one.due_at is not None]
    return sorted(found, key=lambda one: one.due_at or 0)[:_NEXT]
