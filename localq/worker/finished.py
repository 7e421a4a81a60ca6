"""What has ended in a worker and is to be written: all of it in one `finish`, and again when that failed."""

from __future__ import annotations

from typing import NamedTuple

from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.edges import Role
from localq.model.events import emit
from localq.model.job import JobState
from localq.model.outcome import Completion
from localq.serialization.sealing import seal_completion
from localq.settings import Settings
from localq.store.protocol import Store, Topic

__all__ = ["FinishedJobs", "Written"]


class Written(NamedTuple):
    """What follows from what was written.

    `ready` tells whether jobs of it are ready again; `freed`, whether jobs that waited for it may be ready, in whatever
    queue; `next_at`, when the next one is due.
    """

    ready: bool = False
    freed: bool = False
    next_at: int | None = None


_NOTHING = Written()


class FinishedJobs:
    """The completions of a worker on their way to the store.

    Args:
        worker: The worker's name, for events.

    Attributes:
        unsaved: What could not be written yet, oldest first.
    """

    def __init__(self, worker: str, store: Store, clock: Clock, conf: Settings) -> None:
        self.unsaved: list[Completion] = []
        self._worker, self._store, self._clock, self._conf = worker, store, clock, conf

    def write(self, completions: list[Completion]) -> Written:
        """Write completions, those first that could not be written before.

        Raises:
            StoreError: nothing was written; all of it is kept for the next time.
        """
        if not completions and not self.unsaved:
            return _NOTHING
        self.unsaved.extend(completions)
        batch = self.unsaved
        applied = self._store.jobs.finish([seal_completion(done, self._conf) for done in batch], self._clock.now())
        self.unsaved = []
        failpoints.point("finish.after")
        final = [done.id for done in batch if done.state >= JobState.SUCCEEDED]
        if final:
            self._store.bells.ring(Topic.RESULTS, final)
        freed = any(done.role & Role.AWAITED for done in batch)
        if freed:
            self._store.bells.ring(Topic.WORK)
        return self._told(batch, applied)._replace(freed=freed)

    def _told(self, batch: list[Completion], applied: list[bool]) -> Written:
        """Tell of what was refused; return what follows from the rest."""
        ready, next_at = False, None
        for done, ok in zip(batch, applied, strict=True):
            if not ok:
                emit("job.discarded", worker=self._worker, task="", job_id=done.id, reason="stale run token")
            elif done.state == JobState.SCHEDULED and (next_at is None or done.run_at < next_at):
                next_at = done.run_at
            elif done.state == JobState.READY or done.follow_ups:
                ready = True
        return Written(ready, next_at=next_at)
