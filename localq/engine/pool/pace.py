"""How long jobs take, measured: what decides how many a slot is given ahead of need."""

from __future__ import annotations

__all__ = ["MOST_AHEAD", "Pace"]

#: Seconds of work a slot holds ahead of need, and jobs at most.
_AHEAD_S = 0.025
MOST_AHEAD = 64
#: Jobs that take longer (s) are handed out one at a time.
_LONG_S = 0.010
#: Jobs shorter than this (s) end faster than a worker can look away.
_INSTANT_S = 0.000_5
#: The share of the time jobs are expected to take that a slot surely needs for them.
_SURE = 0.75


class Pace:
    """The run times of a pool's jobs, by task and over all."""

    def __init__(self) -> None:
        # Until it is known better: long enough for one job at a time.
        self._overall = 2 * _AHEAD_S
        self._of: dict[str, float] = {}

    def ahead(self) -> int:
        """Return how many jobs a slot may hold: the one it runs, and those it should find when that has ended."""
        fitting = _AHEAD_S / self._overall
        return min(MOST_AHEAD, 1 + (round(fitting) if self._overall < _LONG_S else int(fitting)))

    def lasts(self, jobs: int) -> float:
        """Return the seconds so many jobs take at the least, by what is known; 0 if they end in no time."""
        return 0.0 if self._overall < _INSTANT_S else min(_AHEAD_S, _SURE * jobs * self._overall)

    def is_long(self, task: str) -> bool:
        """Whether a task's jobs want a slot that has nothing else."""
        return self._of.get(task, self._overall) >= _LONG_S

    def measure(self, task: str, seconds: float) -> None:
        """Take in the time of one run."""
        seconds = max(seconds, 0.000_05)
        before = self._of.get(task)
        # A run far longer than usual counts at once, a shorter one slowly: being wrong that way costs less.
        share = 0.5 if before is not None and seconds > before else 0.2
        self._of[task] = seconds if before is None else before + share * (seconds - before)
        self._overall += 0.2 * (self._of[task] - self._overall)
