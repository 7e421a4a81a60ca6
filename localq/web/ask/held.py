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
    """One answer, held the longer the more work it was: however many ask, a fortieth of the time goes into it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock, self._work = clock, work
        self._answer: Any = None
        self._until = self._stale = 0.0
        self._renewing = False
        self._lock = threading.Lock()

    def get(self, find: Callable[[], T], aside: Callable[[], None] | None = None) -> T:
        """Return the answer that is held, or find it; who asks meanwhile waits for that.

        Args:
            aside: Begins to find it anew (`renew`), in a thread of its own: until it has, the last one is given.
        """
        with self._lock:
            now = self._clock()
            if now < self._until:
                held: T = self._answer
                return held
            if aside is not None and now < self._stale:
                if not self._renewing:
                    self._renewing = True
                    aside()
                held = self._answer
                return held
            return self._find(find)

    def renew(self, find: Callable[[], T]) -> None:
        """Find the answer anew, while others are given the last one."""
        begun = self._work()
        try:
            found = find()
        except BaseException:
            with self._lock:
                self._renewing = False
            raise
        with self._lock:
            self._hold(found, self._work() - begun)

    def forget(self) -> None:
        """Hold the answer no longer: somebody has just changed what it tells of."""
        with self._lock:
            self._until = self._stale = 0.0

    def _find(self, find: Callable[[], T]) -> T:
        begun = self._work()
        found = find()
        self._hold(found, self._work() - begun)
        return found

    def _hold(self, found: Any, took: float) -> None:
        self._answer, self._renewing = found, False
        now = self._clock()
        self._until = now + min(_TIMES * took, MOST_S) if took >= _QUICK_S else 0.0
        self._stale = self._until + _STALE_S if self._until else 0.0
