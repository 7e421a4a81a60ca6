"""Programs and workers at once on a Redis store, and what each of them was told: the witness of crash tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from localq.exceptions import StoreBusy
from localq.model.edges import Edge
from localq.model.job import JobState
from localq.model.outcome import Completion
from localq.model.worker import EVERY_QUEUE
from localq.store.redis.store import RedisStore
from tests.store.given import NOW, done, new, worker
from tests.worker.waiting import DEADLINE_S

#: Seconds within which everything there is to do is done.


class Load:
    """Threads that add jobs and run them, each with a store of its own, until told to stop.

    Attributes:
        added, ended: What was acknowledged, with the time at which it was.
        errors: What reached a caller but that the server is away.
    """

    def __init__(self, url: str, adders: int = 2, runners: int = 2) -> None:
        self._url = url
        self.added: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.errors: list[BaseException] = []
        self._numbers = count()
        self._stop = threading.Event()
        acts = [self._add] * adders + [self._run] * runners
        self._threads = [threading.Thread(target=self._go_on, args=(act,), daemon=True) for act in acts]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _go_on(self, act: Callable[[Any], None]) -> None:
        store = RedisStore(self._url, patience_s=DEADLINE_S)
        try:
            act(store)
        except BaseException as error:
            self.errors.append(error)
        finally:
            store.close()

    def _add(self, store: Any) -> None:
        while not self._stop.is_set():
            first, *others = (f"job-{next(self._numbers)}" for _ in range(4))
            plain, alone, member = others
            jobs = [new(first), new(plain, args=b"x" * 300), new(member, after=(Edge(first),), workflow=first)]
            store.jobs.add(jobs, NOW)
            store.jobs.add([new(alone)], NOW)
            self.added.update(dict.fromkeys([first, *others], time.monotonic()))

    def _run(self, store: Any) -> None:
        key = worker(store, threading.current_thread().name)
        running: dict[str, Completion] = {}
        while not self._stop.is_set():
            for job in store.jobs.claim(key, EVERY_QUEUE, 8, NOW).jobs:
                running[job.id] = done(job)
            self._end(store, running)
            for job in store.workers.beat(key, {}, 1 << 40, NOW).orphans:
                running[job.id] = done(job)

    def _end(self, store: Any, running: dict[str, Completion]) -> None:
        ends = list(running.values())
        for end, applied in zip(ends, store.jobs.finish(ends, NOW).applied, strict=True):
            # One whose acknowledgement was lost is not applied again: it is not counted as told.
            if applied:
                self.ended[end.id] = time.monotonic()
        running.clear()

    def until_more(self, jobs: int) -> None:
        """Wait until so many more were added, and as many ended as that."""
        until = time.monotonic() + DEADLINE_S
        added, ended = len(self.added) + jobs, len(self.ended) + jobs
        while len(self.added) < added or len(self.ended) < ended:
            assert not self.errors, self.errors
            assert time.monotonic() < until, (len(self.added), len(self.ended))
            self._stop.wait(0.02)


def lost(store: Any, load: Load, before: float = float("inf")) -> list[str]:
    """Return what was acknowledged before a time, and is not so any more."""
    added = {job_id for job_id, at in list(load.added.items()) if at < before}
    ended = {job_id for job_id, at in list(load.ended.items()) if at < before}
    there = store.read.get(sorted(added | ended))
    gone = [f"{job_id} is gone" for job_id in sorted((added | ended) - there.keys())]
    undone = [f"{one} has not ended" for one in sorted(ended & there.keys()) if not JobState(there[one].state).final]
    return gone + undone


def is_away(error: BaseException) -> bool:
    """Whether an error says that the server could not be reached."""
    return isinstance(error, StoreBusy)
