"""What a worker does with the jobs it has claimed, before its pool gets them."""

from __future__ import annotations

from collections.abc import Sequence

from localq.execution.dependents import behind, culprit_of, unfed
from localq.execution.inputs import fed
from localq.execution.settle import expired, settle
from localq.model.edges import Role
from localq.model.events import emit
from localq.model.job import Job
from localq.model.outcome import Completion, Ending, Outcome
from localq.settings import Settings
from localq.store.protocol import Inputs, Reading
from localq.worker.pool.contract import Handed, Report
from localq.worker.rulebook import Rulebook
from localq.worker.told import Told

__all__ = ["Claimed"]

#: Of a job that somebody removed by hand meanwhile.
_NOTHING = Inputs([], None)


class Claimed:
    """Tells the jobs that are to run from those that are settled without a run.

    Args:
        worker: The worker's name.

    Attributes:
        received: The number of jobs claimed so far, by task.
    """

    def __init__(self, worker: str, read: Reading, rulebook: Rulebook, told: Told, conf: Settings) -> None:
        self._worker, self._read, self._rulebook, self._told = worker, read, rulebook, told
        self._conf = conf
        self.received: dict[str, int] = {}

    def sort(self, jobs: Sequence[Job], now: int) -> tuple[list[Handed], list[Completion]]:
        """Return what the pool gets, and what is only to be written; tell of both."""
        handed = []
        late = []
        waited = [job.id for job in jobs if job.culprit is not None or job.role & Role.FED]
        inputs = self._read.inputs(waited) if waited else {}
        received, discards = self.received, self._conf.worker_unknown_tasks == "discard"
        plain = self._rulebook.of_plain()
        for job in jobs:
            task = job.task
            received[task] = received.get(task, 0) + 1
            rules = plain.get(task) if job.options is None else None
            if rules is None:
                rules = self._rulebook.of(job)
            if job.culprit is not None:
                culprit = culprit_of(job, inputs.get(job.id, _NOTHING), self._read)
                late.append(behind(job, culprit, self._worker, rules, now))
                continue
            if job.role & Role.FED:
                try:
                    job = fed(job, rules.options.serializer, inputs.get(job.id, _NOTHING).given, self._conf)
                except Exception as error:
                    # Whatever the file holds: it fails this job, and stops no worker.
                    late.append(self._unfed(Handed(job, rules), error, now))
                    continue
            one = tuple.__new__(Handed, (job, rules))
            if discards and not rules.known:
                outcome = Outcome(Ending.REVOKED, None, now)
                emit("job.discarded", worker=self._worker, task=job.task, job_id=job.id, reason="unknown task")
                late.append(settle(job, outcome, self._worker, rules, now))
                continue
            if job.expires_at is not None and job.expires_at <= now:
                late.append(expired(job, self._worker, rules, now))
                self._told.expired(one)
                continue
            handed.append(one)
        if handed:
            self._told.received(handed)
        return handed, late

    def _unfed(self, handed: Handed, error: Exception, now: int) -> Completion:
        """Return what must be written for a job whose arguments cannot be made whole."""
        outcome = unfed(error, now)
        done = settle(handed.job, outcome, self._worker, handed.rules, now)
        self._told.ended(Report(handed, outcome, None), outcome, done)
        return done
