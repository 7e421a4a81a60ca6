"""Clauses about jobs that the statements of several rooms share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)

from localq.model.job import Job, JobState
from localq.store.sql.schema import edge, job, state_is

__all__ = [
    "FINAL",
    "claimed_values",
    "job_columns",
    "kept_for_others",
    "may_go",
    "run_again",
    "waiting_columns",
]

#: The first of the final states.
FINAL: Any = literal_column(str(int(JobState.SUCCEEDED)))
_WAITING = (JobState.WAITING, JobState.SCHEDULED, JobState.READY)


def job_columns(with_args: bool) -> list[Any]:
    """Return the columns of `Job`, in its order."""
    columns: list[Any] = [job.c[name] for name in Job._fields]
    columns[Job._fields.index("culprit")] = _culprit_id().label("culprit")
    if not with_args:
        columns[Job._fields.index("args")] = null().label("args")
    return columns


def _culprit_id() -> ColumnElement[Any]:
    """Return the id of the job that one cannot run because of, empty if that is gone.

    Found by the edge, which goes along with either: a key comes back, and may be another job's by now.
    """
    culprit = job.alias("of_culprit")
    found = (
        select(func.min(culprit.c.id))
        .select_from(edge.join(culprit, culprit.c.key == edge.c.awaited))
        .where(edge.c.waiter == job.c.key, edge.c.awaited == job.c.culprit)
        .correlate(job)
    )
    return case((job.c.culprit.is_not(None), func.coalesce(found.scalar_subquery(), literal_column("''"))))


def claimed_values() -> dict[str, Any]:
    """Return what a claim sets."""
    return {
        "state": int(JobState.RUNNING),
        "run_token": job.c.run_token + literal_column("1"),
        "attempts": job.c.attempts + literal_column("1"),
        "owner": bindparam("worker"),
        "shown": null(),
    }


def waiting_columns(*columns: Any, queues: Any = None) -> CompoundSelect[Any]:
    """Return columns of the jobs that wait or are due, by the index of each; `queues` is a subquery of names."""
    wanted = [] if queues is None else [job.c.queue.in_(queues)]
    return union_all(*(select(*columns).where(state_is(state), *wanted) for state in _WAITING))


def kept_for_others() -> ColumnElement[bool]:
    """Return the condition that an unfinished job still waits for a job, or did, and needs its result."""
    waiter = job.alias("waiter")
    return and_(
        job.c.role != literal_column("0"),
        exists(
            select(literal_column("1"))
            .select_from(edge.join(waiter, waiter.c.key == edge.c.waiter))
            .where(edge.c.awaited == job.c.key, waiter.c.state < FINAL)
        ),
    )


def may_go(before: Any) -> ColumnElement[bool]:
    """Return the condition that nothing of a job's workflow is unfinished, or finished after a time."""
    other = job.alias("other")
    same = and_(other.c.workflow == job.c.workflow, other.c.workflow.is_not(None))
    return or_(
        job.c.workflow.is_(None),
        and_(
            ~exists(select(literal_column("1")).where(same, other.c.finished_at.is_(None))),
            ~exists(select(literal_column("1")).where(same, other.c.finished_at >= before)),
        ),
    )


def run_again(which: ColumnElement[bool]) -> Update:
    """Return what makes a job READY again that is over, as if it had never run; with a parameter `now`."""
    return (
        update(job)
        .where(which, job.c.state >= FINAL)
        .values(
            state=int(JobState.READY),
            run_at=bindparam("now"),
            finished_at=null(),
            expires_at=null(),
            retries=0,
            crashes=0,
            cancel=0,
            shown=null(),
            culprit=null(),
        )
    )
