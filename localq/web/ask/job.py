"""One job: what its page and its endpoint say of it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from localq import states
from localq.app import LocalQ
from localq.model.audit import ChangeRow
from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Attempt
from localq.monitor.call_code import call_code
from localq.monitor.failing_line import FailingLine, failing_line
from localq.monitor.job_world import world_of
from localq.monitor.jobs import job_called
from localq.monitor.shown_call import ShownCall, ShownValue, shown_call, shown_result
from localq.monitor.why_not import Reason, why_not
from localq.result.attempts import Run
from localq.result.job_view import JobView
from localq.store.protocol import Store
from localq.tasks.task import Task

__all__ = ["COPY_OF", "MOST_ATTEMPTS", "MOST_FAMILY", "JobSeen", "job_seen"]

#: Attempts that are shown, the last; and jobs of a workflow that are drawn.
MOST_ATTEMPTS, MOST_FAMILY = 100, 200
_MOST_CHANGES = 20
#: Jobs that one waits for which are drawn with it, where it does not stand among the first of its workflow.
_MOST_AWAITED = 40
#: The header of a job that says which one it was made of, by a hand that changed its arguments.
COPY_OF = "localq_copy_of"


class Done(NamedTuple):
    """How much of a job is done, of how much, and what it said with that."""

    done: float
    total: float
    message: str


class JobSeen(NamedTuple):
    """A job with all that is known of it.

    `progress` is what it said of itself last, `family` the jobs
    of its workflow with the edges between them, and `family_cut` whether there are more. `changes` is what people
    did to it, and `code` what calls it again, where there are words for that.
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
    family_cut: bool
    owner: str | None
    changes: list[ChangeRow]
    code: str | None

    @property
    def failing(self) -> FailingLine | None:
        """The line of the program at which the last run failed."""
        last = self.last_error
        return None if last is None or not last.traceback else failing_line(last.traceback)

    @property
    def done(self) -> Done | None:
        """How far the job is, where it counts: as `self.progress` does, or in the words of Celery's examples."""
        said = self.progress if isinstance(self.progress, dict) and not JobState(self.job.state).final else {}
        done, total = said.get("done", said.get("current")), said.get("total")
        if not isinstance(done, int | float) or not isinstance(total, int | float) or not total > 0:
            return None
        message = said.get("message")
        return Done(done, total, message if isinstance(message, str) else "")

    @property
    def copy_of(self) -> str | None:
        """The id of the job that this one was made of, by a hand that changed its arguments."""
        found = (self.options.headers or {}).get(COPY_OF)
        return found if isinstance(found, str) else None

    @property
    def copies(self) -> list[str]:
        """The ids of the jobs that were made of this one."""
        return [row.change.note for row in self.changes if row.change.verb == "retry edited"]

    @property
    def last_error(self) -> Run | None:
        """The last run, if what it ended in is the error that the job has to show now."""
        shown = self.attempts and JobView(self.job, self.attempts[-1], None).failure is not None
        return self.runs[-1] if shown else None


def job_seen(app: LocalQ, store: Store, name: str) -> JobSeen | None:
    """Return a job by its id, or by the start of one; None where there is none.

    Raises:
        QueryError: several ids start so.
    """
    found = job_called(store.read, name, ends=False)
    seen = None if found is None else store.read.seen([found.id]).get(found.id)
    if seen is None:
        return None
    job = seen.job
    called = store.read.get([job.id], args=True).get(job.id, job)
    call = shown_call(called, app.conf)
    attempts = store.read.attempts(job.id)[-MOST_ATTEMPTS:]
    family, ties, there_are_more = _family(store, job)
    task = app.tasks.find(job.task)
    now = app.clock.now()
    world = world_of(store, job, now, own_rate=None if task is None else task.rate_limit)
    return JobSeen(
        job=job,
        state=states.public_state(job),
        options=JobOptions.read(job.options),
        reason=why_not(job, world, now),
        call=call,
        result=_result(app, job, seen.attempt),
        progress=None if seen.note is None else json.loads(seen.note),
        runs=[Run.of(one) for one in attempts],
        attempts=attempts,
        family=family,
        ties=ties,
        family_cut=there_are_more,
        owner=next((row.card.name for row in world.workers if row.key == job.owner), None),
        changes=store.history.changes(_MOST_CHANGES, target=job.id),
        code=call_code(job.task, _place(task), call.args, call.kwargs) if call.exact else None,
    )


def _family(store: Store, job: Job) -> tuple[list[Job], list[Tie], bool]:
    """Return the first jobs of a workflow, and this one with what it waits for, if it is not among them."""
    jobs, ties = store.read.family(job.workflow or job.id, MOST_FAMILY + 1)
    if len(jobs) <= MOST_FAMILY:
        return jobs, ties, False
    jobs = jobs[:MOST_FAMILY]
    known = {one.id for one in jobs}
    if job.id not in known:
        awaited = store.read.awaited(job.id, _MOST_AWAITED)
        jobs += [*(one for one in awaited if one.id not in known), job]
        ties += [Tie(job.id, place, one.id, 0, 0) for place, one in enumerate(awaited)]
    return jobs, ties, True


def _place(task: Task[..., Any] | None) -> tuple[str, str] | None:
    """Return where a task's function can be imported from."""
    module, name = getattr(task, "__module__", ""), getattr(task, "__name__", "")
    return None if task is None or module == "__main__" or "<" in name else (module, name)


def _result(app: LocalQ, job: Job, last: Attempt | None) -> ShownValue | None:
    if job.state != JobState.SUCCEEDED or last is None or last.result is None:
        return None
    return shown_result(job, last.result, app.conf)
