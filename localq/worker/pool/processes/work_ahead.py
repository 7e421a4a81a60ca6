"""How long jobs take and how large they are, measured: what decides how many a slot is given ahead of need."""

from __future__ import annotations

__all__ = ["MOST_AHEAD", "WorkAhead"]

#: Seconds of work a slot holds ahead of need, and jobs at most: three times as many have their marks in a slot's ring.
_AHEAD_S = 0.025
MOST_AHEAD = 168
#: Bytes of arguments and results that a slot holds ahead of need: more only fills memory, several times over.
_AHEAD_BYTES = 4 << 20
#: Of jobs that take longer (s) no more is held ahead than surely fits; those that take longer than all that is held
#: ahead are handed out one at a time.
_SURELY_S = 0.010
#: What a run is taken for at the least (s).
_LEAST_S = 0.000_05
#: Jobs shorter than this (s) end faster than a worker can look away.
_INSTANT_S = 0.000_5
#: The share of the time that short jobs of late took which a slot surely needs for as many.
_SURE = 0.8
#: How much the newest run counts in what is known over all; the first runs count as much as each other.
_NEWEST = 0.2


class WorkAhead:
    """The run times of a pool's jobs, by task and over all."""

    def __init__(self) -> None:
        # Until it is known better: long enough for one job at a time.
        self._overall = 2 * _AHEAD_S
        #: The shorter runs of late: a slot that is left alone for longer stands idle.
        self._brief = 0.0
        self._runs = 0
        #: What a job of late weighed, rather too much than too little.
        self._bytes = 0.0
        self._of: dict[str, float] = {}

    def most(self) -> int:
        """Return how many jobs a slot may hold: the one it runs, and those it should find when that has ended."""
        fitting = _AHEAD_S / self._overall
        most = min(MOST_AHEAD, 1 + (round(fitting) if self._overall < _SURELY_S else int(fitting)))
        return most if most * self._bytes <= _AHEAD_BYTES else min(most, 1 + int(_AHEAD_BYTES / self._bytes))

    def lasts(self, jobs: int) -> float:
        """Return the seconds so many jobs take at the least, by what is known; 0 if they end in no time."""
        return 0.0 if self._brief < _INSTANT_S else min(_AHEAD_S, _SURE * jobs * self._brief)

    def is_long(self, task: str) -> bool:
        """Whether a task's jobs want a slot that has nothing else."""
        return self._of.get(task, self._overall) >= _AHEAD_S

    def is_longish(self, task: str) -> bool:
        """Whether a task's jobs wait in slots only where each slot has one that waits."""
        return self._of.get(task, self._overall) >= _SURELY_S

    def measure(self, task: str, seconds: float, size: int = 0) -> None:
        """Take in the time of one run, and the bytes of its arguments and result."""
        self._bytes = size if size > self._bytes else self._bytes + _NEWEST * (size - self._bytes)
        # Comparisons, for every run is measured: a call of `max` takes as long as three of them.
        if seconds < _LEAST_S:
            seconds = _LEAST_S
        before = self._of.get(task)
        # A run far longer than usual counts at once, a shorter one slowly: being wrong that way costs less.
        share = 0.5 if before is not None and seconds > before else 0.2
        self._of[task] = seconds if before is None else before + share * (seconds - before)
        self._runs += 1
        newest = _NEWEST if self._runs > 1 / _NEWEST else 1 / self._runs
        self._overall += newest * (self._of[task] - self._overall)
        if self._runs == 1:
            self._brief = seconds
        # Up in small steps however long a run took, down by half.
        if seconds > self._brief:
            self._brief = min(seconds, 1.05 * self._brief)
        else:
            self._brief = (self._brief + seconds) / 2
