"""What raises SoftTimeLimitExceeded inside a run: an alarm in the main thread, an injected error in others."""

from __future__ import annotations

import ctypes
import signal
import threading
from types import FrameType

from localq.exceptions import SoftTimeLimitExceeded

__all__ = ["AlarmLimiter", "ThreadLimiter", "raise_in_thread"]


class AlarmLimiter:
    """Interrupts the main thread by SIGALRM; in any other thread it is a ThreadLimiter.

    An alarm cannot interrupt code in C: the error is raised when that returns. Hence the hard limit.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._before: object = None
        self._thread: ThreadLimiter | None = None

    def start(self, seconds: float) -> None:
        """Raise after so many seconds."""
        self._seconds = seconds
        if threading.current_thread() is not threading.main_thread():
            self._thread = ThreadLimiter()
            self._thread.start(seconds)
            return
        self._before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def stop(self) -> None:
        """Raise nothing any more."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)  # type: ignore[arg-type]

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise SoftTimeLimitExceeded(self._seconds)


class ThreadLimiter:
    """Interrupts a thread by an error injected between two of its bytecodes."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def start(self, seconds: float) -> None:
        """Raise after so many seconds."""
        thread = threading.get_ident()
        self._timer = timer = threading.Timer(seconds, lambda: self._interrupt(thread, timer))
        timer.daemon = True
        timer.start()

    def stop(self) -> None:
        """Raise nothing any more."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _interrupt(self, thread: int, timer: threading.Timer) -> None:
        with self._lock:
            if self._timer is timer:
                raise_in_thread(thread, SoftTimeLimitExceeded)


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Raise an error in another thread, at its next bytecode."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
