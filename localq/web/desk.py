"""What all pages of one dashboard share: the app, the store it reads, and the clock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio import to_thread

from localq.app import LocalQ
from localq.store import open_reader
from localq.store.protocol import Reading, Store
from localq.store.protocol.reading import Stats
from localq.web.ask.held import Held

__all__ = ["Desk"]

T = TypeVar("T")
#: Questions that are asked at a time: a slow one must not hold up a fast one.
_READERS = 2
#: Seconds that one of them may take.
DEADLINE_S = 1.0


class Desk:
    """The one place where pages reach the store.

    Args:
        app: Its tasks are shown and called, its settings hold, its verbs change things.
    """

    def __init__(self, app: LocalQ) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._readers: list[Store] = []
        self._free: queue.SimpleQueue[Store] = queue.SimpleQueue()

    def now(self) -> int:
        """Return the time by the app's clock, in microseconds since 1970."""
        return self.app.clock.now()

    @property
    def watched(self) -> Store:
        """What is asked whether anything has changed: always the same, for each tells what is new to itself."""
        return self._opened()[0]

    def _opened(self) -> list[Store]:
        with self._lock:
            if not self._readers:
                self._readers = _readers(self.app)
                for store in self._readers:
                    self._free.put(store)
            return self._readers

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Lend a store that is only read, for one question; waits while all are lent."""
        self._opened()
        store = self._free.get()
        try:
            yield store
        finally:
            self._free.put(store)

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Ask a question in a thread of its own, and return the answer."""

        def asked() -> T:
            with self.reading() as store:
                return question(store)

        return await to_thread.run_sync(asked)

    async def act(self, change: Callable[[LocalQ], T]) -> T:
        """Make a change in a thread of its own, through the app's verbs, and return what came of it."""
        return await to_thread.run_sync(change, self.app)

    def close(self) -> None:
        """Let go of the stores that were read."""
        for store in self._readers:
            if store is not self.app.store:
                store.close()
        self._readers = []


def _readers(app: LocalQ) -> list[Store]:
    if not app.store.shared:
        return [app.store]
    # Whoever looks at a queue that nobody used yet makes it.
    app.store.open()
    held: Held = Held()
    return [_counted(open_reader(app.location, DEADLINE_S), held) for _ in range(_READERS)]


class _Counted:
    """What there is to know of jobs, of which the counts are shared: on a million jobs they take some 60 ms."""

    def __init__(self, read: Reading, held: Held) -> None:
        self._read, self._held = read, held

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)

    def stats(self) -> Stats:
        """Return counts, which all pages share for a moment where they are costly."""
        return self._held.get(self._read.stats)


def _counted(store: Any, held: Held) -> Store:
    store.read = _Counted(store.read, held)
    counted: Store = store
    return counted
