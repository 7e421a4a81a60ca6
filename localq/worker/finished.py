"""What has ended in a worker and is to be written: all of it in one `finish`, and again when that failed."""

from __future__ import annotations

from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.outcome import Completion
from localq.serialization.sealing import seal_completions
from localq.settings import Settings
from localq.store.protocol import Finished, Jobs

__all__ = ["FinishedJobs"]


class FinishedJobs:
    """The completions of a worker on their way to the store.

    Args:
        worker: The worker's name, for events.

    Attributes:
        unsaved: What could not be written yet, oldest first.
    """

    def __init__(self, worker: str, jobs: Jobs, clock: Clock, conf: Settings) -> None:
        self.unsaved: list[Completion] = []
        self._worker, self._jobs, self._clock, self._conf = worker, jobs, clock, conf

    def write(self, completions: list[Completion]) -> Finished:
        """Write completions, those first that could not be written before.

        Raises:
            StoreError: nothing was written; all of it is kept for the next time.
        """
        if not completions and not self.unsaved:
            return Finished([])
        self.unsaved.extend(completions)
        batch = self.unsaved
        finished = self._jobs.finish(seal_completions(batch, self._conf), self._clock.now())
        self.unsaved = []
        if all(finished.applied):
            return finished
        for done, ok in zip(batch, finished.applied, strict=True):
            if not ok:
                emit("job.discarded", worker=self._worker, task="", job_id=done.id, reason="stale run token")
        return finished
