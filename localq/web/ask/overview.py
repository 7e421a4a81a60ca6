"""The first look: is all well, how much is done, what waits, who works, what comes next."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from localq.model.job import JobState
from localq.model.schedule import Schedule, ScheduleState
from localq.model.tally import Tally
from localq.model.worker import WorkerRow, WorkerState
from localq.store import short_of
from localq.store.protocol import Store
from localq.web.ask.held import Held
from localq.web.ask.needs import Need, long_runs, needs_of
from localq.web.ask.queues import QueueSeen, lately, queues_seen
from localq.web.ask.series import (
    LEVELS,
    WINDOWS,
    Figures,
    Point,
    Pulse,
    Series,
    Tallies,
    Window,
    figures,
    points,
    pulse,
)
from localq.web.ask.starts import Starts
from localq.web.ask.usual import Usual
from localq.web.ask.workers import WorkerSeen, workers_seen

__all__ = ["Overview", "Past", "overview"]

T = TypeVar("T")
_HOUR, _MINUTE = 3_600_000_000, 60_000_000
#: Schedules that are shown, the next to fire.
_NEXT = 5


class Past:
    """What finished up to now, kept as long as the dashboard runs."""

    def __init__(self) -> None:
        self._series = Series(LEVELS)
        self._shared: dict[str, Held] = {}
        self._lock = threading.Lock()

    def shared(self, name: str, find: Callable[[], T]) -> T:
        """Return an answer that all browsers share for as long as it was costly to find."""
        with self._lock:
            held = self._shared.setdefault(name, Held())
        return held.get(find)

    def forget(self) -> None:
        """Share no answer any longer that was found before: somebody has just changed something."""
        with self._lock:
            shared = list(self._shared.values())
        for held in shared:
            held.forget()

    @property
    def behind(self) -> bool:
        """Whether something is yet to be read that pages have asked for."""
        return self._series.behind

    def tallies(self, store: Store, window: Window, now: int, *, before: bool = False) -> Tallies:
        """Return the tallies of a window up to now; of the one before it as well, if asked for."""
        begin = now - window.length_us * (2 if before else 1)
        return self._series.since(store, begin, now, window.step_us)

    def read_on(self, store: Store, now: int) -> bool:
        """Read a piece of what pages will ask for, the newest first; return whether there is more."""
        return self._series.read_on(store, now)

    def usual(self, store: Store, now: int) -> Usual:
        """Return how long jobs of each task run, of those of the last day as far as they are known."""
        return self.shared("usual", lambda: Usual(self.tallies(store, WINDOWS["24h"], now).tallies))

    def last_hour(self, store: Store, now: int) -> list[Tally]:
        """Return the tallies of the last hour, as far as they are known."""
        return self.tallies(store, WINDOWS["1h"], now).tallies


class Overview(NamedTuple):
    """What the first page shows. `hour` and `hour_before` are what the last hour and the one before come to.

    `minutes` and `pulse` are what each minute of the last hour comes to, `chart` the points of the window asked for:
    before `counted_from` they are not known yet; None: all are. `busy` and `busy_before` are how many jobs ran at a
    time, on average of the last hour and the one before.
    """

    empty: bool
    needs: list[Need]
    hour: Figures
    hour_before: Figures
    minutes: list[Point]
    pulse: list[Pulse]
    window: Window
    chart: list[Point]
    counted_from: int | None
    queues: list[QueueSeen]
    workers: list[WorkerSeen]
    next_firings: list[Schedule]
    busy: float
    busy_before: float

    @property
    def slots(self) -> int:
        """How many jobs can run at a time."""
        return sum(one.row.card.concurrency for one in self.workers)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(queue.running for queue in self.queues)


def overview(store: Store, past: Past, starts: Starts, window: Window, now: int) -> Overview:
    """Return what the first page shows."""
    return past.shared(f"overview {window.name}", lambda: _overview(store, past, starts, window, now))


def _overview(store: Store, past: Past, starts: Starts, window: Window, now: int) -> Overview:
    rows = store.workers.all()
    two_hours, whole_from = past.tallies(store, WINDOWS["1h"], now, before=True)
    split = now - _HOUR
    hour = [one for one in two_hours if one.at >= split]
    earlier = [one for one in two_hours if one.at < split] if whole_from <= split - _HOUR else None
    queues = queues_seen(store, rows, lately(hour, now))
    begin = now - window.length_us
    whole = Tallies(hour, max(begin, whole_from)) if window.name == "1h" else past.tallies(store, window, now)
    workers = _workers(store, rows, starts)
    needs = needs_of(store, rows, queues, _new_failures(hour, earlier), now, short_of(starts.location))
    return Overview(
        empty=not queues and not any(row for row in rows),
        needs=needs + long_runs(workers, past.usual(store, now), now),
        hour=figures(hour),
        hour_before=figures(earlier or ()),
        minutes=points(hour, split, now, _MINUTE),
        pulse=pulse(hour, split, now, _MINUTE),
        window=window,
        chart=points(whole.tallies, begin, now, window.step_us),
        counted_from=None if whole.whole_from <= begin else whole.whole_from,
        queues=queues,
        workers=workers,
        next_firings=_next_firings(store),
        busy=sum(one.run_us for one in hour) / _HOUR,
        busy_before=sum(one.run_us for one in earlier or ()) / _HOUR,
    )


def _workers(store: Store, rows: Sequence[WorkerRow], starts: Starts) -> list[WorkerSeen]:
    seen = workers_seen(store, rows)
    since = starts.of_lasting([job for one in seen if one.row.state == WorkerState.ALIVE for job in one.jobs])
    return [one._replace(since=since) for one in seen]


def _new_failures(hour: Sequence[Tally], earlier: Sequence[Tally] | None) -> dict[str, int]:
    """Return how many jobs failed in the last hour, of tasks of which none did in the hour before, if that is known."""
    if earlier is None:
        return {}
    failed: Counter[str] = Counter()
    for one in hour:
        if one.state == JobState.FAILED:
            failed[one.task] += one.count
    known = {one.task for one in earlier if one.state == JobState.FAILED}
    return {task: count for task, count in failed.items() if task not in known}


def _next_firings(store: Store) -> list[Schedule]:
    found = [one for one in store.schedules.find(states=(ScheduleState.ACTIVE,)) if one.due_at is not None]
    return sorted(found, key=lambda one: one.due_at or 0)[:_NEXT]
