"""What raises SoftTimeLimitExceeded inside a run: an alarm in the main thread, an injected error in
others.
"""

from __future__ import annotations

import signal
import threading
from time import monotonic
from types import FrameType
from typing import Any

from localq.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from localq.execution.strike import raise_in_thread, strike_here

__all__ = ["AlarmLimiter", "ThreadLimiter"]


class AlarmLimiter:
    """Interrupts the main thread by SIGALRM; in any other thread, and where there is no alarm, it is a ThreadLimiter.

    An alarm cannot interrupt code in C: the error is raised when that returns. Hence the hard limit.
    Limiters nest: a task run here and now inside another leaves that one's limit in force.

    Args:
        hard: Seconds after which TimeLimitExceeded is raised, where no other process is there to kill this
            one.
    """

    def __init__(self, hard: float | None = None) -> None:
        self.hard = hard
        self._soft: float | None = None
        self._before: Any = None
        #: When the alarm that was set before was to ring, or None.
        self._before_at: float | None = None
        self._began = 0.0
        self._thread: ThreadLimiter | None = None

    def start(self, seconds: float | None) -> None:
        """Raise SoftTimeLimitExceeded after so many seconds."""
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
            self._thread = ThreadLimiter(self.hard)
            self._thread.start(seconds)
            return
        self._soft = seconds
        self._began = monotonic()
        self._before = signal.signal(signal.SIGALRM, self._ring)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        self._before_at = self._began + left if left else None
        self._set()

    def stop(self) -> None:
        """Raise nothing any more."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)
        if self._before_at is not None:
            signal.setitimer(signal.ITIMER_REAL, max(0.000_1, self._before_at - monotonic()))

    def _set(self) -> None:
        """Set the alarm to what comes first."""
        ends = [self._began + limit for limit in (self._soft, self.hard) if limit]
        first = min([*ends, *([] if self._before_at is None else [self._before_at])], default=None)
        left = 0.0 if first is None else max(0.000_1, first - monotonic())
        signal.setitimer(signal.ITIMER_REAL, left)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        now = monotonic()
        if self._before_at is not None and now >= self._before_at:
            self._before_at = None
            self._set()
            if callable(self._before):
                self._before(number, frame)
        elif self.hard and now >= self._began + self.hard:
            strike_here(TimeLimitExceeded, f"hard time limit of {self.hard:g} s exceeded")
        elif self._soft and now >= self._began + self._soft:
            soft, self._soft = self._soft, None
            self._set()
            strike_here(SoftTimeLimitExceeded, soft)
        else:
            self._set()


class ThreadLimiter:
    """Interrupts a thread by an error injected between two of its bytecodes.

    Args:
        hard: Seconds after which TimeLimitExceeded is raised, where nobody gives up the thread.
    """

    def __init__(self, hard: float | None = None) -> None:
        self.hard = hard
        self._timers: list[threading.Timer] = []
        self._lock = threading.Lock()

    def start(self, seconds: float | None) -> None:
        """Raise after so many seconds."""
        thread = threading.get_ident()
        for limit, error in ((seconds, SoftTimeLimitExceeded), (self.hard, TimeLimitExceeded)):
            if limit:
                self._timers.append(timer := threading.Timer(limit, self._interrupt, (thread, error)))
                timer.daemon = True
        for timer in self._timers:
            timer.start()

    def stop(self) -> None:
        """Raise nothing any more."""
        with self._lock:
            timers, self._timers = self._timers, []
        for timer in timers:
            timer.cancel()

    def _interrupt(self, thread: int, error: type[BaseException]) -> None:
        with self._lock:
            if threading.current_thread() in self._timers:
                raise_in_thread(thread, error)
