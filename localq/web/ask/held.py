"""Answers that all browsers share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["MOST_S", "Held"]

T = TypeVar("T")
#: An answer that took less work than this (seconds) is found anew each time.
_QUICK_S = 0.02
#: How many times as long as it took an answer holds, and seconds at most.
_TIMES, MOST_S = 40, 4.0
#: Seconds for which an answer that holds no more is given while it is found anew.
_STALE_S = 10.0


class Held:
    """One answer, held the longer the more work it was: however many ask, a fortieth of the time goes into it.

    Who looks for the answer keeps others who ask waiting, and nobody else: `forget` never waits.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock, self._work = clock, work
        self._answer: Any = None
        self._until = self._stale = 0.0
        self._renewing = False
        #: How often the answer was forgotten: what was looked for before that is not held.
        self._age = 0
        self._lock, self._finding = threading.Lock(), threading.Lock()

    def get(self, find: Callable[[], T], aside: Callable[[], None] | None = None) -> T:
        """Return the answer that is held, or find it; who asks meanwhile waits for that.

        Args:
            aside: Begins to find it anew (`renew`), in a thread of its own: until it has, the last one is given.
        """
        held: T
        with self._lock:
            now = self._clock()
            if now < self._until:
                held = self._answer
                return held
            if aside is not None and now < self._stale:
                held, begin, self._renewing = self._answer, not self._renewing, True
                if begin:
                    aside()
                return held
        with self._finding:
            with self._lock:
                if self._clock() < self._until:
                    held = self._answer
                    return held
            return self._find(find)

    def renew(self, find: Callable[[], T]) -> None:
        """Find the answer anew, while others are given the last one."""
        try:
            self._find(find)
        finally:
            with self._lock:
                self._renewing = False

    def forget(self) -> None:
        """Hold the answer no longer: somebody has just changed what it tells of."""
        with self._lock:
            self._age += 1
            self._until = self._stale = 0.0

    def _find(self, find: Callable[[], T]) -> T:
        age, begun = self._age, self._work()
        found = find()
        took = self._work() - begun
        with self._lock:
            if age == self._age:
                self._hold(found, took)
        return found

    def _hold(self, found: Any, took: float) -> None:
        self._answer = found
        now = self._clock()
        self._until = now + min(_TIMES * took, MOST_S) if took >= _QUICK_S else 0.0
        self._stale = self._until + _STALE_S if self._until else 0.0
