"""A thread beside the worker's loop for what is the program's own code: handlers, filters and formatters of logs,
receivers of signals, and the streams that tasks' prints go to.

Nothing of it runs in the loop: an error there ends nothing, and who takes his time, or never comes back, costs no
lease, no result and no limit. What does not fit into the queue is dropped, counted and said.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, ParamSpec

from localq.model.events import emit

__all__ = ["Aside"]

P = ParamSpec("P")

#: Calls that may wait.
_MOST = 10_000
#: Seconds the loop waits for the calls that came before a result it is about to write; once in vain, not again until
#: they are done.
_PATIENCE_S = 0.05
#: Seconds the calls that are left have when the worker ends.
_AT_END_S = 5.0

_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Aside:
    """Calls functions one after another, in a thread of its own; before `start` and after `stop`, in the caller's.

    Args:
        worker: The worker's name.
        most: Calls that may wait; what comes then is dropped.
    """

    def __init__(self, worker: str, most: int = _MOST) -> None:
        self._worker, self._most = worker, most
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        #: Set where nothing waits and nothing is being called: under the lock, in which nothing can be put.
        self._idle = threading.Event()
        self._idle.set()
        self._lock = threading.Lock()
        self._slow = False
        self._dropped = 0

    def start(self) -> None:
        """Take calls in the thread from now on."""
        self._thread = threading.Thread(target=self._run, name="LocalQ-aside", daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Let what waits be called, for `timeout` seconds at most (default: 5)."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._queue.put(None)
        if thread is not threading.current_thread():
            thread.join(_AT_END_S if timeout is None else timeout)
        if thread.is_alive():
            left = self._queue.qsize() + self._dropped
            _say(f"LocalQ: {left:,} log records, prints or signals were not delivered: their receiver did not answer.")

    def put(self, call: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a function soon; what it raises is told on standard error and harms nobody."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            _guarded(call, args, kwargs)
        elif self._queue.qsize() >= self._most:
            self._dropped += 1
        else:
            with self._lock:
                self._idle.clear()
                self._queue.put((call, args, kwargs))

    def calling(self, call: Callable[P, Any]) -> Callable[P, None]:
        """Return a function that has another called soon."""

        def soon(*args: P.args, **kwargs: P.kwargs) -> None:
            self.put(call, *args, **kwargs)

        return soon

    def settle(self) -> None:
        """Wait a moment for what was put before, so that a job's prints come before its result."""
        if not self._slow and not self._idle.is_set():
            self._slow = not self._idle.wait(_PATIENCE_S)

    def _run(self) -> None:
        while True:
            if self._is_idle():
                self._slow = False
                self._tell_dropped()
            item = self._queue.get()
            if item is None:
                self._idle.set()
                self._tell_dropped()
                return
            _guarded(*item)

    def _is_idle(self) -> bool:
        with self._lock:
            if self._queue.empty():
                self._idle.set()
            return self._idle.is_set()

    def _tell_dropped(self) -> None:
        count, self._dropped = self._dropped, 0
        if count:
            emit("notices.dropped", worker=self._worker, count=count)


def _guarded(call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        call(*args, **kwargs)
    except BaseException:
        _say(f"LocalQ: a log handler, or a receiver of the program, failed:\n{traceback.format_exc()}")


def _say(text: str) -> None:
    with contextlib.suppress(BaseException):
        print(text, file=sys.__stderr__, flush=True)
