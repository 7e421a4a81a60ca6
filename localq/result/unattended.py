"""A word to who waits for jobs that nobody works on."""

from __future__ import annotations

import logging
import math
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from localq.model.job import Job, JobState
from localq.model.worker import WorkerRow, WorkerState
from localq.store.protocol import Store

__all__ = ["Unattended", "what_lacks"]

#: Seconds that are waited before it is looked whether anybody works: a worker may just be starting.
_AFTER_S = 3.0

_log = logging.getLogger("localq.result")
_told: weakref.WeakSet[Store] = weakref.WeakSet()


class Unattended:
    """Called again and again during a wait: warns after a while if no worker is there.

    That is said once for each store, and again when one was there since.

    Args:
        store: Returns where the jobs are.
        also: Called each time as well.
    """

    def __init__(self, store: Callable[[], Store], also: Callable[[], Any] | None = None) -> None:
        self._store, self._also = store, also
        self._look_at = time.monotonic() + _AFTER_S

    def __call__(self) -> None:
        """Look whether anybody works, if it is time for that."""
        if self._also is not None:
            self._also()
        if time.monotonic() < self._look_at:
            return
        self._look_at = math.inf
        store = self._store()
        # One that is silent may be back at any moment.
        if any(row.state != WorkerState.GONE for row in store.workers.all()):
            _told.discard(store)
        elif store not in _told:
            _told.add(store)
            _log.warning(
                "No worker is running. Start one: localq worker -A APP, or `with q.running():` in the program."
            )


def what_lacks(workers: Sequence[WorkerRow], job: Job) -> str:
    """Return a sentence that says which worker a job would need and there is none, or nothing."""
    if JobState(job.state).final:
        return ""
    alive = [row.card for row in workers if row.state != WorkerState.GONE]
    if not alive:
        return "No worker is running: start one (localq worker -A APP, or `with q.running():`)."
    if job.state == JobState.RUNNING:
        return ""
    serving = [card for card in alive if card.served.serves(job.queue)]
    if not serving:
        return f"No worker that runs serves queue {job.queue}: see its -Q."
    if not any(job.task in card.tasks for card in serving):
        return f"No worker that runs knows {job.task}: start one with its module (-A)."
    return ""
