"""Callbacks in the program that called: a thread waits for jobs, and has functions called when they end.

One thread for each store, as long as there is something to wait for.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from localq.exceptions import StoreError
from localq.result import waiting
from localq.result.final import keep_final
from localq.store.protocol import Store

__all__ = ["Deliver", "Watch", "stop_watching", "watch"]

#: Has a function called: in another thread, or by the loop of a toolkit.
Deliver = Callable[[Callable[[], Any]], Any]

_log = logging.getLogger("localq.result")
#: Seconds between two tries where the store does not answer.
_PAUSE_S = 1.0


class Watch(NamedTuple):
    """What is to be called for some jobs.

    `subject` is what `on_done` gets, and says how far it is; `leaves` are the results of single jobs it consists of.
    """

    subject: Any
    leaves: list[Any]
    on_done: Callable[[Any], Any] | None
    on_progress: Callable[[Any], Any] | None
    deliver: Deliver | None

    def call(self, function: Callable[[Any], Any], value: Any) -> None:
        """Have a callback called; what goes wrong here is logged and harms nobody else."""
        try:
            if self.deliver is None:
                function(value)
            else:
                self.deliver(partial(function, value))
        except Exception:
            _log.exception("A callback for %r could not be called", self.subject)


_watchers: weakref.WeakKeyDictionary[Store, _Watcher] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def watch(store: Callable[[], Store], one: Watch) -> None:
    """Call back when jobs end; where they have ended already, before this returns.

    Args:
        store: Returns where the jobs are; asked only where something is to be waited for.
    """
    if all(leaf.is_there() for leaf in one.leaves):
        if one.on_progress is not None and (said := one.subject.said_last()) is not None:
            one.call(one.on_progress, said)
        if one.on_done is not None:
            one.call(one.on_done, one.subject)
        return
    where = store()
    with _lock:
        watcher = _watchers.get(where)
        if watcher is None or watcher.pid != os.getpid():
            watcher = _watchers[where] = _Watcher(where)
    watcher.add(one)


def stop_watching(store: Store) -> None:
    """Call nothing back any more for jobs of a store that is about to be closed."""
    watcher = _watchers.pop(store, None)
    if watcher is not None and watcher.pid == os.getpid():
        watcher.stop()


class _Watcher:
    """The thread that waits for jobs of a store. A waiter asks it which ids it waits for."""

    def __init__(self, store: Store) -> None:
        self.pid = os.getpid()
        self._store = store
        self._lock = threading.Lock()
        self._watches: list[Watch] = []
        self._ids: dict[str, int] = {}
        self._said: dict[int, Any] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._ids

    def add(self, one: Watch) -> None:
        """Wait for one more."""
        with self._lock:
            self._watches.append(one)
            self._count(one, 1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="LocalQ-callbacks", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Let the thread end, and wait for that, unless it is the one that asks."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_PAUSE_S)

    def _count(self, one: Watch, more: int) -> None:
        for leaf in one.leaves:
            self._ids[leaf.id] = self._ids.get(leaf.id, 0) + more
            if not self._ids[leaf.id]:
                del self._ids[leaf.id]

    def _run(self) -> None:
        while not self._ends():
            try:
                waiting.wait(self._store.bells, self, self._look, None)
            except StoreError as error:
                if not self._stopped.wait(_PAUSE_S):
                    _log.warning("Jobs cannot be waited for; trying again: %s", error)

    def _ends(self) -> bool:
        with self._lock:
            if self._watches and not self._stopped.is_set():
                return False
            self._thread = None
            return True

    def _look(self) -> bool:
        """Call back for what has ended; whether there was anything."""
        if self._stopped.is_set():
            return True
        with self._lock:
            watches = list(self._watches)
        keep_final([leaf for one in watches for leaf in one.leaves])
        done = [one for one in watches if all(leaf.is_there() for leaf in one.leaves)]
        # All of it before `on_done` of anybody: a bar is full before its window says that the job is done.
        for one in watches:
            if one.on_progress is not None:
                self._tell_progress(one, one.on_progress, last=one in done)
        with self._lock:
            for one in done:
                self._watches.remove(one)
                self._said.pop(id(one), None)
                self._count(one, -1)
        for one in done:
            if one.on_done is not None:
                one.call(one.on_done, one.subject)
        return bool(done)

    def _tell_progress(self, one: Watch, function: Callable[[Any], Any], last: bool) -> None:
        said = one.subject.said_last() if last else one.subject.said()
        if said is not None and said != self._said.get(id(one)):
            self._said[id(one)] = said
            one.call(function, said)
