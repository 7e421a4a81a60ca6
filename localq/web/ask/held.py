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
_TIMES, MOST_S = 10, 1.5


class Held:
    """One answer, held the longer the more work it was: however many ask, a tenth of the time goes into it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock, self._work = clock, work
        self._answer: Any = None
        self._until = 0.0
        self._lock = threading.Lock()

    def get(self, find: Callable[[], T]) -> T:
        """Return the answer that is held, or find it; who asks meanwhile waits for that."""
        with self._lock:
            if self._clock() < self._until:
                held: T = self._answer
                return held
            begun = self._work()
            found = find()
            took = self._work() - begun
            self._answer = found
            self._until = self._clock() + min(_TIMES * took, MOST_S) if took >= _QUICK_S else 0.0
            return found
