"""The end of a pipe into which a process that runs jobs writes its frames: each whole, and its own alone."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections import deque
from threading import get_ident

from localq.execution.strike import hold, let_go
from localq.host.this_process import pid

__all__ = ["FrameWriter"]

#: What is not longer (bytes) the kernel writes into a pipe whole or not at all; a longer frame may be cut by a signal.
_AT_ONCE = select.PIPE_BUF
_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE}


class FrameWriter:
    """Writes frames into a pipe, one after another.

    Threads take turns. What interrupts a run (a limit, the worker's wish) waits until the frame is out; other signals
    are held back while a long one is written. What the handler of a signal reports in the midst of a frame comes after
    it. A process that a task forked writes nothing: it is no slot.

    Args:
        descriptor: The pipe's end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._pid = descriptor, pid()
        self._lock = threading.Lock()
        self._frames: deque[bytes] = deque()
        self._writing: int | None = None

    def mine(self) -> bool:
        """Whether this is the process that the pipe belongs to, and not a fork of it."""
        return pid() == self._pid

    def write(self, frame: bytes) -> None:
        """Write a frame; return when it is in the pipe, or will follow the one this thread is writing."""
        if pid() != self._pid:
            return
        thread = get_ident()
        if self._writing == thread:
            self._frames.append(frame)
            return
        hold(thread)
        try:
            with self._lock:
                self._writing = thread
                try:
                    self._write_out(frame)
                    while self._frames:
                        self._write_out(self._frames.popleft())
                finally:
                    self._writing = None
        finally:
            let_go(thread)

    def _write_out(self, frame: bytes) -> None:
        if len(frame) <= _AT_ONCE:
            os.write(self._descriptor, frame)
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            view = memoryview(frame)
            while view:
                view = view[os.write(self._descriptor, view) :]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
