"""How many jobs finished when, and how long they waited and ran: counts that outlive the jobs. Pure.

Spans are kept by size, in classes of a quarter of a power of two: a percentile of them is right within a tenth.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

__all__ = ["COARSE_US", "FINE_US", "Ended", "Tally", "added_up", "percentile", "size_of", "span_of", "tallied"]

#: The steps in which tallies are kept: fine ones, and coarse ones for what is older (microseconds).
FINE_US, COARSE_US = 600_000_000, 3_600_000_000
#: Classes in a power of two.
_PARTS = 4
#: The class of the longest spans: a hundred years.
_MOST_SIZE = 206


class Ended(NamedTuple):
    """A job that finished: what of it is counted. `started_at` None: it never ran, or nobody knows when it began."""

    task: str
    queue: str
    state: int
    finished_at: int
    run_at: int
    started_at: int | None
    ended_at: int | None


class Tally(NamedTuple):
    """Jobs of a task, queue and state that finished in the step from `at`.

    `runs` and `waits` are how many of them ran, and waited to begin, for a span of each size (see `size_of`); `run_us`
    is how long they ran in all.
    """

    at: int
    task: str
    queue: str
    state: int
    count: int  # type: ignore[assignment] # the tuple method of this name counts nothing here
    run_us: int
    runs: Mapping[int, int]
    waits: Mapping[int, int]


def size_of(span_us: int) -> int:
    """Return the class of a span: 0 for a microsecond or less, four more for each doubling."""
    return min(max(0, round(_PARTS * math.log2(span_us))), _MOST_SIZE) if span_us > 0 else 0


def span_of(size: int) -> float:
    """Return the span in the middle of a class, in microseconds."""
    return float(2 ** (size / _PARTS))


@cache
def _bounds() -> list[int]:
    """Return the least span of each class from 1 on: so many as a span can have microseconds."""
    bounds: list[int] = []
    for size in range(1, _MOST_SIZE + 1):
        least = int(2 ** ((size - 0.5) / _PARTS))
        while size_of(least) < size:
            least += 1
        bounds.append(least)
    return bounds


def tallied(jobs: Iterable[Sequence[Any]], step_us: int) -> list[Tally]:
    """Return the tallies of jobs, each as `Ended` has it, by the step in which they finished."""
    # There may be millions: no object is made for each, and what can be is done by the interpreter's own loops.
    cells: dict[tuple[int, str, str, int], tuple[list[int], list[int], list[int]]] = {}
    bounds = _bounds()
    for task, queue, state, finished_at, run_at, started_at, ended_at in jobs:
        key = (finished_at // step_us, task, queue, state)
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = ([0, 0], [], [])
        sums, runs, waits = cell
        sums[0] += 1
        if started_at is not None and ended_at is not None:
            took = max(0, ended_at - started_at)
            sums[1] += took
            runs.append(bisect_right(bounds, took))
            waits.append(bisect_right(bounds, started_at - run_at))
    return [
        Tally(at * step_us, task, queue, state, count, run_us, Counter(runs), Counter(waits))
        for (at, task, queue, state), ((count, run_us), runs, waits) in sorted(cells.items())
    ]


def added_up(tallies: Iterable[Tally], step_us: int) -> list[Tally]:
    """Return tallies added up, those of one step, task, queue and state into one, in the order of time."""
    counts: Counter[tuple[int, str, str, int]] = Counter()
    took: Counter[tuple[int, str, str, int]] = Counter()
    runs: dict[tuple[int, str, str, int], Counter[int]] = {}
    waits: dict[tuple[int, str, str, int], Counter[int]] = {}
    for one in tallies:
        key = (one.at - one.at % step_us, one.task, one.queue, one.state)
        counts[key] += one.count
        took[key] += one.run_us
        runs.setdefault(key, Counter()).update(one.runs)
        waits.setdefault(key, Counter()).update(one.waits)
    return [Tally(*key, counts[key], took[key], dict(runs[key]), dict(waits[key])) for key in sorted(counts)]


def percentile(sizes: Mapping[int, int], share: float) -> float | None:
    """Return the span below which a share of spans lies, in seconds; None where there are none."""
    left = share * sum(sizes.values())
    for size in sorted(sizes):
        left -= sizes[size]
        if left <= 0 and sizes[size]:
            return span_of(size) / 1e6
    return None
