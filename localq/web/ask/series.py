"""How many jobs finished over time: asked of the store once, and then only what is new.

However many there are, a page waits for few of them: what it does not know yet, it says so, and it is read meanwhile.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from localq.exceptions import StoreError
from localq.model.job import JobState
from localq.model.tally import Tally, added_up, percentile
from localq.store.protocol import Store
from localq.web.ask.held import Held

__all__ = [
    "LEVELS",
    "WINDOWS",
    "Figures",
    "Point",
    "Pulse",
    "Series",
    "Tallies",
    "Window",
    "figures",
    "points",
    "pulse",
]

#: A step that is over may still get jobs whose worker was slow to write.
_SETTLED_US = 3_000_000
#: What is over is taken up so much at a time.
_FORWARD_US = 1_000_000
#: Jobs that a piece should have, and that a page waits for at most.
_IN_PIECE, _AT_ONCE = 2000, 4000


class Window(NamedTuple):
    """A stretch of time up to now, in steps (microseconds)."""

    name: str
    length_us: int
    step_us: int


_SECOND, _MINUTE, _HOUR = 1_000_000, 60_000_000, 3_600_000_000
#: The shortest piece.
_LEAST = _SECOND // 64
WINDOWS = {
    "1h": Window("1h", _HOUR, _MINUTE),
    "24h": Window("24h", 24 * _HOUR, 10 * _MINUTE),
    "7d": Window("7d", 7 * 24 * _HOUR, _HOUR),
}


#: What is kept: twice each window, so that it can be compared with the one before.
LEVELS = {one.step_us: 2 * one.length_us for one in WINDOWS.values()}


class Point(NamedTuple):
    """What finished in a step from `at`."""

    at: int
    finished: int
    failed: int


class Pulse(NamedTuple):
    """What a step comes to: how long its jobs waited (seconds; None: none began), and how many ran at a time."""

    wait_p95: float | None
    busy: float


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


class Tallies(NamedTuple):
    """What finished over time, in the order of time; from `whole_from` on nothing is missing."""

    tallies: list[Tally]
    whole_from: int


class Series:
    """The tallies of the past, in finer steps the nearer they are: each piece is read once, the newest first.

    Args:
        levels: Step lengths, and how far back each is kept, the finest first; each a multiple of the one before.
    """

    def __init__(self, levels: Mapping[int, int]) -> None:
        self._levels: dict[int, dict[int, list[Tally]]] = {step: {} for step in levels}
        self._kept = dict(levels)
        #: Stretches that are over and not read yet, the newest last; and where what is not over begins.
        self._missing: list[tuple[int, int]] = []
        self._settled_to = 0
        self._piece = _SECOND
        self._newest = Held()
        self._crowded = False
        self._lock = threading.Lock()

    @property
    def behind(self) -> bool:
        """Whether something is missing."""
        return bool(self._missing)

    def read_on(self, store: Store, now: int) -> bool:
        """Read the next piece of the past, and return whether there is more: what a question may take is limited."""
        with self._lock:
            if not self._settled_to:
                self._settle(now)
            if self._missing:
                self._read_piece(store, now)
            return bool(self._missing)

    def since(self, store: Store, begin: int, now: int, step_us: int) -> Tallies:
        """Return the tallies of the steps from a time on, up to now: those that are known, or are soon found.

        Where very many finish at present, those of the last seconds are left out: all would be read more than once.
        """
        with self._lock:
            newest = self._newest.get(lambda: self._go_forward(store, now))
            looked_at = 0
            while self._missing and self._missing[-1][1] > begin and looked_at < _AT_ONCE:
                looked_at += self._read_piece(store, now)
            level = self._levels[step_us]
            found = [one for at in sorted(level) if at >= begin for one in level[at]]
            whole_from = max(begin, self._missing[-1][1]) if self._missing else begin
        return Tallies([*found, *(one for one in added_up(newest, step_us) if one.at >= begin)], whole_from)

    def _go_forward(self, store: Store, now: int) -> list[Tally]:
        """Read what was settled since the last time, and return the tallies of what is not."""
        before, finished = self._settled_to, 0
        self._settle(now)
        passed = self._settled_to - before
        # What nobody looked at for longer is read on the way back, with all else.
        if before and 0 < passed <= _MINUTE:
            while self._missing and self._missing[-1][1] > before:
                finished += self._read_piece(store, now)
            self._crowded = finished * _SETTLED_US > _AT_ONCE * passed
        if self._crowded:
            return []
        return store.history.finished(self._settled_to, now + 1, min(self._levels))

    def _settle(self, now: int) -> None:
        """Take up what is over since the last look, and let go of what is too old."""
        until, oldest = now - _SETTLED_US, now - max(self._kept.values())
        begin = max(self._settled_to, oldest)
        if until - begin >= _FORWARD_US:
            if self._missing and self._missing[-1][1] == begin:
                begin = self._missing.pop()[0]
            self._missing.append((begin, until))
            self._settled_to = until
        self._missing = [(max(first, oldest), end) for first, end in self._missing if end > oldest]
        for step, level in self._levels.items():
            for at in [at for at in level if at < now - self._kept[step] - step]:
                del level[at]

    def _read_piece(self, store: Store, now: int) -> int:
        """Read the newest piece that is missing; return how many jobs it has, 0 if it was too large."""
        first, end = self._missing.pop()
        start = max(first, end - self._piece)
        step = next(step for step, kept in self._kept.items() if end > now - kept or kept == max(self._kept.values()))
        try:
            fresh = store.history.finished(start, end, step)
        except StoreError:
            self._missing.append((first, end))
            # So many finished then that they are asked for in smaller pieces.
            if self._piece <= _LEAST:
                raise
            self._piece //= 4
            return 0
        if start > first:
            self._missing.append((first, start))
        for wide, level in self._levels.items():
            if wide >= step:
                _add(level, fresh, wide)
        count = sum(one.count for one in fresh)
        if end - start == self._piece or count > _IN_PIECE:
            longest = min(4 * self._piece, max(self._kept.values()))
            self._piece = max(_LEAST, min(longest, (end - start) * _IN_PIECE // max(count, 1)))
        return count


def _add(level: dict[int, list[Tally]], fresh: Sequence[Tally], step_us: int) -> None:
    by_step: dict[int, list[Tally]] = {}
    for one in fresh:
        by_step.setdefault(one.at // step_us * step_us, []).append(one)
    for at, some in by_step.items():
        level[at] = added_up([*level.get(at, ()), *some], step_us)


def points(tallies: Iterable[Tally], begin: int, end: int, step_us: int) -> list[Point]:
    """Return a point for each step, those included in which nothing finished, the first of which is whole."""
    finished: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    for one in tallies:
        finished[one.at] += one.count
        if one.state == JobState.FAILED:
            failed[one.at] += one.count
    first = -(-begin // step_us) * step_us
    return [Point(at, finished[at], failed[at]) for at in range(first, end + 1, step_us)]


def pulse(tallies: Iterable[Tally], begin: int, end: int, step_us: int) -> list[Pulse]:
    """Return what each step comes to. A job counts as running in the steps before the one in which it finished."""
    first = -(-begin // step_us) * step_us
    steps = range(first, end + 1, step_us)
    waits: dict[int, Counter[int]] = {}
    took: Counter[int] = Counter()
    for one in tallies:
        waits.setdefault(one.at, Counter()).update(one.waits)
        left, at = one.run_us, one.at
        while left > 0 and at >= first:
            # One slot is busy for a step at most; more than that began in the step before, or ran beside it.
            share = min(left, step_us * max(one.count, 1))
            took[at] += share
            left, at = left - share, at - step_us
    return [Pulse(percentile(waits.get(at, {}), 0.95), took[at] / step_us) for at in steps]


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
