"""One job: what its page and its endpoint say of it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from localq import states
from localq.app import LocalQ
from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Attempt
from localq.monitor.job_world import world_of
from localq.monitor.jobs import job_called
from localq.monitor.shown_call import ShownCall, ShownValue, shown_call, shown_result
from localq.monitor.why_not import Reason, why_not
from localq.result.attempts import Run
from localq.store.protocol import Store

__all__ = ["MOST_ATTEMPTS", "MOST_FAMILY", "JobSeen", "job_seen"]

#: Attempts that are shown, the last; and jobs of a workflow that are drawn.
MOST_ATTEMPTS, MOST_FAMILY = 100, 200


class JobSeen(NamedTuple):
    """A job with all that is known of it.

    `progress` is what it said of itself last (`current` and `total` among that, where it counts), `family` the jobs
    of its workflow with the edges between them, and `family_left_out` how many more there are.
    """

    job: Job
    state: str
    options: JobOptions
    reason: Reason
    call: ShownCall
    result: ShownValue | None
    progress: Any
    runs: list[Run]
    attempts: list[Attempt]
    family: list[Job]
    ties: list[Tie]
    family_left_out: int
    owner: str | None

    @property
    def last_error(self) -> Run | None:
        """The last run, if it ended in an error."""
        return self.runs[-1] if self.runs and self.runs[-1].error else None


def job_seen(app: LocalQ, store: Store, name: str) -> JobSeen | None:
    """Return a job by its id, or by the start of one; None where there is none.

    Raises:
        QueryError: several ids start so.
    """
    found = job_called(store.read, name)
    seen = None if found is None else store.read.seen([found.id]).get(found.id)
    if seen is None:
        return None
    job = seen.job
    called = store.read.get([job.id], args=True).get(job.id, job)
    attempts = store.read.attempts(job.id)[-MOST_ATTEMPTS:]
    family, ties = store.read.family(job.workflow or job.id)
    task = app.tasks.find(job.task)
    world = world_of(store, job, own_rate=None if task is None or not task.rate_limit else str(task.rate_limit))
    return JobSeen(
        job=job,
        state=states.public_state(job),
        options=JobOptions.read(job.options),
        reason=why_not(job, world, app.clock.now()),
        call=shown_call(called, app.conf),
        result=_result(app, job, seen.attempt),
        progress=None if seen.note is None else json.loads(seen.note),
        runs=[Run.of(one) for one in attempts],
        attempts=attempts,
        family=family[:MOST_FAMILY],
        ties=ties,
        family_left_out=max(0, len(family) - MOST_FAMILY),
        owner=next((row.card.name for row in world.workers if row.key == job.owner), None),
    )


def _result(app: LocalQ, job: Job, last: Attempt | None) -> ShownValue | None:
    if job.state != JobState.SUCCEEDED or last is None or last.result is None:
        return None
    return shown_result(job, last.result, app.conf)
