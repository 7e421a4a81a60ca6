"""The queries that find jobs by what they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, literal_column, select

from localq.model.job import JobState
from localq.store.protocol.reading import Filter
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import job, state_is

__all__ = ["queries"]

#: States looked up in an index of their own.
_RARE = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED)


def queries(which: Filter) -> list[Select[Any]]:
    """Return the queries that find a filter's jobs together, each with the newest first.

    Few jobs run, fail or are revoked, and they may lie far behind others: each of these states is looked up in its
    index. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    query = _narrowed(which)
    # Where an index finds few, a bare key would make SQLite walk the table in that order instead.
    newest, sorted_newest = job.c.key.desc(), (job.c.key + literal_column("0")).desc()
    if which.id_prefix is not None:
        newest = job.c.id.desc()
    if which.states is None:
        return [query.order_by(newest)]
    common = [int(state) for state in which.states if state not in _RARE]
    queries = [query.where(job.c.state.in_(common)).order_by(newest)] if common or not which.states else []
    if JobState.RUNNING in which.states:
        queries.append(query.where(state_is(JobState.RUNNING)).order_by(sorted_newest))
    failed = job.c.state > literal_column(str(int(JobState.SUCCEEDED)))
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in which.states:
            queries.append(query.where(failed, state_is(state)).order_by(newest))
    return queries


def _narrowed(which: Filter) -> Select[Any]:
    """Return the query of a filter, in no order and of all states."""
    clause = select(*job_columns(with_args=False))
    if which.tasks is not None:
        clause = clause.where(job.c.task.in_(list(which.tasks)))
    if which.queues is not None:
        clause = clause.where(job.c.queue.in_(list(which.queues)))
    if which.shown is not None:
        clause = clause.where(job.c.shown == which.shown)
    if which.id_prefix is not None:
        clause = clause.where(job.c.id >= which.id_prefix, job.c.id < which.id_prefix + "\U0010ffff")
    if which.before is not None:
        clause = clause.where(job.c.key < which.before)
    return clause
