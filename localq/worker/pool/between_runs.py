"""What a process that runs jobs is like between two of them: as it was when it was ready, whatever a task did to it.

It is the short list of what would strike the next job unseen, and costs next to nothing to look after. The rest
belongs to the process on purpose (docs/reliability.md): a module that a task imports may have set it for good.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # its functions look up no enums, and take a twentieth of the time
import contextlib
import gc
import os
import signal
import sys

__all__ = ["BetweenRuns", "Tracing", "unblock"]

#: How limits and the worker's wishes reach a run.
_OURS = tuple(int(getattr(signal, name)) for name in ("SIGALRM", "SIGUSR1", "SIGTERM") if hasattr(signal, name))


def unblock() -> None:
    """Let signals through that a task has blocked."""
    if hasattr(signal, "pthread_sigmask"):
        _signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)


class Tracing:
    """The functions that trace and profile a thread, as they are when this is made."""

    def __init__(self) -> None:
        self._trace, self._profile = sys.gettrace(), sys.getprofile()

    def put_back(self) -> None:
        """Remove what a task has set in this thread, and left."""
        if sys.gettrace() is not self._trace:
            sys.settrace(self._trace)
        if sys.getprofile() is not self._profile:
            sys.setprofile(self._profile)


class BetweenRuns:
    """This process and its main thread, as they are when this is made."""

    def __init__(self) -> None:
        self._out, self._err = sys.stdout, sys.stderr
        self._tracing = Tracing()
        self._collects = gc.isenabled()
        self._deep = sys.getrecursionlimit()
        self._handlers = [(number, _signal.getsignal(number)) for number in _OURS]
        self._folder: int | None = None
        if hasattr(os, "fchdir"):
            with contextlib.suppress(OSError):
                self._folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)

    def put_back(self) -> None:
        """Make the process what it was; in its main thread."""
        self.deepen()
        self._tracing.put_back()
        if sys.stdout is not self._out or sys.stderr is not self._err:
            sys.stdout, sys.stderr = self._out, self._err
        if gc.isenabled() is not self._collects:
            (gc.enable if self._collects else gc.disable)()
        for number, handler in self._handlers:
            if _signal.getsignal(number) is not handler:
                self._take_back_signals()
        if self._folder is not None:
            try:
                os.fchdir(self._folder)
            except OSError:
                # A task closed it.
                self._folder = None

    def deepen(self) -> None:
        """Lift a limit of recursion that was lowered, for every thread of the process; from any of them."""
        if sys.getrecursionlimit() < self._deep:
            sys.setrecursionlimit(self._deep)

    def _take_back_signals(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._handlers:
            signal.signal(number, handler)
