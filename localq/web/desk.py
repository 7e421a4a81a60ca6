"""What all pages of one dashboard share: the app, the store it reads, and the clock."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from anyio import to_thread

from localq.app import LocalQ
from localq.exceptions import StoreError
from localq.model.job import JobState
from localq.store import open_reader
from localq.store.protocol import Reading, Store
from localq.store.protocol.reading import Stats
from localq.web.ask.held import Held

__all__ = ["Desk"]

T = TypeVar("T")
Counts: TypeAlias = dict[tuple[str, JobState], int]
#: Questions that are asked at a time: a slow one must not hold up a fast one.
_READERS = 3
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
        #: Seconds of a processor that answers took so far, drawing included.
        self.worked_s = 0.0
        self._held = Held()
        self._counting: threading.Thread | None = None

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
                self._readers = _readers(self.app, self._held, self._begin_to_count)
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
            begun = time.thread_time()
            try:
                with self.reading() as store:
                    return question(store)
            finally:
                self.worked_s += time.thread_time() - begun

        return await to_thread.run_sync(asked)

    async def act(self, change: Callable[[LocalQ], T]) -> T:
        """Make a change in a thread of its own, through the app's verbs, and return what came of it."""
        return await to_thread.run_sync(change, self.app)

    def forget(self) -> None:
        """Hold no counts any longer: somebody has just changed something."""
        self._held.forget()

    def close(self) -> None:
        """Let go of the stores that were read."""
        if self._counting is not None:
            self._counting.join()
        for store in self._readers:
            if store is not self.app.store:
                store.close()
        self._readers = []

    def _begin_to_count(self) -> None:
        self._counting = threading.Thread(target=self._count, daemon=True)
        self._counting.start()

    def _count(self) -> None:
        # What cannot be read now, the next page that needs it will tell.
        with contextlib.suppress(StoreError), self.reading() as store:
            counted: Any = store.read
            self._held.renew(lambda: _over(counted.now()))


def _readers(app: LocalQ, held: Held, again: Callable[[], None]) -> list[Store]:
    if not app.store.shared:
        return [app.store]
    # Whoever looks at a queue that nobody used yet makes it.
    app.store.open()
    return [_counted(open_reader(app.location, DEADLINE_S), held, again) for _ in range(_READERS)]


class _Counted:
    """What there is to know of jobs, of which the counts of those that are over are shared.

    On a million jobs they take some 60 ms, and they are what tells least of what goes on now.
    """

    def __init__(self, read: Reading, held: Held, again: Callable[[], None]) -> None:
        self._read, self._held, self._again = read, held, again

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)

    def now(self) -> Stats:
        """Return counts as they are now, whatever that takes."""
        return self._read.stats()

    def stats(self, finished: bool = True) -> Stats:
        """Return counts; of jobs that are over those that all pages share for a moment, where that is costly."""
        if not finished:
            return self._read.stats(finished=False)
        just_found: list[Stats] = []

        def find() -> Counts:
            just_found.append(self.now())
            return _over(just_found[0])

        over = self._held.get(find, self._again)
        if just_found:
            return just_found[0]
        open_ones = self._read.stats(finished=False)
        return open_ones._replace(counts={**over, **open_ones.counts})


def _over(stats: Stats) -> Counts:
    return {(queue, state): count for (queue, state), count in stats.counts.items() if state.final}


def _counted(store: Any, held: Held, again: Callable[[], None]) -> Store:
    store.read = _Counted(store.read, held, again)
    counted: Store = store
    return counted
