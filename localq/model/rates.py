"""Rate limits: "10/s" as a value, and how many runs it allows now. Pure: the times kept and `now` in, a decision out.

A limit is kept as one number for each task, the time at which its bucket will be full again. A run adds an interval
to it; what may run now is what still fits into the bucket. Nothing needs to be counted, refilled or cleaned up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["NO_RATES", "Budget", "Rate", "read_rate"]

_UNITS = {"s": 1, "m": 60, "h": 3600}
#: Microseconds within which runs may bunch together: a worker that wakes for each single run of a fast task would
#: do nothing else.
_BUNCH_US = 50_000


class Rate(NamedTuple):
    """A limit: one run in `interval` microseconds, `burst` at once after a pause."""

    interval: int
    burst: int


#: No task has a limit of its own.
NO_RATES: Mapping[str, Rate] = MappingProxyType({})


def read_rate(value: str | int | float | None) -> Rate | None:
    """Return a rate limit as Celery writes it: "10/s", "100/m", "5/h", or a number for each second.

    Returns:
        None for no limit: None, 0, "0" or "".

    Raises:
        ValueError: it is none of these.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_complaint(value))
    return _read(str(value))


@lru_cache(maxsize=1024)
def _read(text: str) -> Rate | None:
    number, stroke, unit = text.strip().partition("/")
    try:
        count = float(number)
        seconds = _UNITS[unit.strip()] if stroke else 1
    except (ValueError, KeyError):
        raise ValueError(_complaint(text)) from None
    if not 0 <= count < float("inf"):
        raise ValueError(_complaint(text))
    if count == 0:
        return None
    interval = max(1, round(seconds * 1_000_000 / count))
    return Rate(interval, max(1, _BUNCH_US // interval))


def _complaint(value: object) -> str:
    return f"rate limit {value!r} must be a number of runs a second, or such as '10/s', '100/m' or '5/h'; 0 is no limit"


class Budget:
    """What the limits leave at a moment.

    Args:
        rates: The limits by task; other tasks have none.
        read: Returns the time kept for a task, None if none is.
        now: The moment, in microseconds.
    """

    def __init__(self, rates: Mapping[str, Rate], read: Callable[[str], int | None], now: int) -> None:
        self._rates, self._read, self._now = rates, read, now
        self._full_at: dict[str, int] = {}
        #: The times to keep, of tasks that have spent something.
        self.spent: dict[str, int] = {}

    def limited(self, task: str) -> bool:
        """Whether a task has a limit."""
        return task in self._rates

    def left(self, task: str) -> int:
        """Return how many more runs of a limited task are allowed now."""
        rate = self._rates[task]
        room = self._now + rate.burst * rate.interval - max(self._full(task), self._now)
        return max(0, room // rate.interval)

    def spend(self, task: str) -> bool:
        """Take one run from what is left; return False if a limited task has nothing left."""
        if task not in self._rates:
            return True
        if not self.left(task):
            return False
        full = max(self._full(task), self._now) + self._rates[task].interval
        self._full_at[task] = self.spent[task] = full
        return True

    def next_at(self, task: str) -> int:
        """Return when the next run of a limited task is allowed; `now` if it is already."""
        rate = self._rates[task]
        return max(self._now, self._full(task) - (rate.burst - 1) * rate.interval)

    def _full(self, task: str) -> int:
        if task not in self._full_at:
            rate = self._rates[task]
            kept = self._read(task)
            # What lies further ahead was written by a clock that has been set back since.
            self._full_at[task] = min(kept or 0, self._now + rate.burst * rate.interval)
        return self._full_at[task]
