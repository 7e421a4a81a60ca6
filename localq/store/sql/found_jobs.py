"""Finding jobs by what they are: a page at a time, of which each look goes through an index, and not far."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, literal_column, or_, select

from localq.model.job import Job, JobState
from localq.store.protocol.reading import Filter, Page
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import ATTEMPT_BITS, attempt, job, payload, state_is, worker
from localq.store.sql.statement import Statement

__all__ = ["Look", "looks", "page"]

#: States looked up in an index of their own.
_RARE = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED)
_CREATED_AT = Job._fields.index("created_at")


class Look(NamedTuple):
    """A part of what a filter finds: the jobs of an index (`among`), of which only those that fit are meant.

    `few`: there are never many in that index, so that all may be looked at.
    """

    among: tuple[ColumnElement[bool], ...]
    fits: tuple[ColumnElement[bool], ...]
    few: bool = False

    def query(self) -> Select[Any]:
        """Return what finds the jobs, the newest first."""
        # Where an index has few, a bare key would make SQLite walk the table in that order instead.
        newest = (job.c.key + literal_column("0")).desc() if self.few else job.c.key.desc()
        return select(*job_columns(with_args=False)).where(*self.among, *self.fits).order_by(newest)

    def newest(self) -> Select[Any]:
        """Return what finds the key of the newest job of the index."""
        return select(func.max(job.c.key)).where(*self.among)


def looks(which: Filter, dialect: SqlDialect) -> Iterator[Look]:
    """Yield the looks that find a filter's jobs together; no two of them find the same.

    Few jobs run, fail, are revoked or show a state of their own, and they may lie far behind others: they are looked
    for in indexes of their own. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    below = () if which.before is None else (job.c.key < which.before,)
    fits = tuple(_narrowing(which, dialect))
    if which.shown is not None:
        states = () if which.states is None else (_state_in(which.states),)
        yield Look((job.c.shown == which.shown, *below), (*states, *fits))
        return
    if which.states is None:
        yield Look(below, fits)
        return
    common = [state for state in which.states if state not in _RARE]
    if common:
        yield Look(below, (_state_in(common), *fits))
    if JobState.RUNNING in which.states:
        yield Look((state_is(JobState.RUNNING), *below), fits, few=True)
    failed = job.c.state > literal_column(str(int(JobState.SUCCEEDED)))
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in which.states:
            yield Look((failed, state_is(state), *below), fits)


def _narrowing(which: Filter, dialect: SqlDialect) -> Iterator[ColumnElement[bool]]:
    """Yield what no index helps to find."""
    since, until = which.added
    if since is not None:
        yield job.c.created_at >= since
    if until is not None:
        yield job.c.created_at < until
    if which.worker is not None:
        # The name stands in the card, which is JSON, with what parts it from other names.
        named = worker.c.card.contains(f'"name": {json.dumps(which.worker)}', autoescape=True)
        runs = job.c.owner.in_(select(worker.c.key).where(named))
        yield or_(_has_run(attempt.c.worker == which.worker), runs)
    if which.text is not None:
        sought = which.text.encode()
        large = exists(select(payload.c.job).where(payload.c.job == job.c.key, dialect.has(payload.c.args, sought)))
        yield or_(dialect.has(job.c.args, sought), large, _has_run(dialect.has(attempt.c.failure, sought)))
    if which.tasks is not None:
        yield job.c.task.in_(list(which.tasks))
    if which.queues is not None:
        yield job.c.queue.in_(list(which.queues))


def _has_run(how: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a job has a run like that."""
    span: Any = literal_column(str(1 << ATTEMPT_BITS))
    first, end = job.c.key * span, (job.c.key + literal_column("1")) * span
    return exists(select(attempt.c.key).where(attempt.c.key >= first, attempt.c.key < end, how))


def _state_in(states: Sequence[JobState]) -> ColumnElement[bool]:
    return job.c.state.in_([int(state) for state in states])


def page(cursor: Any, dialect: SqlDialect, which: Filter, limit: int, look: int) -> Page:
    """Return a page of jobs; see `localq.store.protocol.reading`."""
    rows: list[Any] = []
    end = 0
    for part in looks(which, dialect):
        found, its_end = _looked(cursor, dialect, part, limit, look)
        rows += found
        end = max(end, its_end)
    # What one look found further back than another came is for the next page: others may stand before it.
    rows = sorted((row for row in rows if row[0] >= end), key=lambda row: -row[0])
    if len(rows) > limit:
        rows = rows[:limit]
        end = rows[-1][0]
    jobs = [Job._make(row) for row in rows]
    if not end:
        return Page(jobs, None, None)
    if jobs and jobs[-1].key == end:
        return Page(jobs, end, jobs[-1].created_at)
    reached = select(job.c.created_at).where(job.c.key >= bindparam("end")).order_by(job.c.key).limit(1)
    return Page(jobs, end, Statement(reached, dialect.compiler).run(cursor, end=end).fetchone()[0])


def _looked(cursor: Any, dialect: SqlDialect, part: Look, limit: int, look: int) -> tuple[list[Any], int]:
    """Return the rows that a look finds, and the lowest key it came to; 0: it saw all."""
    query, end = part.query(), 0
    if part.fits and not part.few:
        # Keys count up: no more than so many jobs lie within a span of them.
        newest = Statement(part.newest(), dialect.compiler).run(cursor).fetchone()[0]
        if newest is None:
            return [], 0
        end = max(0, newest - look)
        query = query.where(job.c.key >= end)
    rows = Statement(query.limit(limit), dialect.compiler).run(cursor).fetchall()
    return rows, rows[-1][0] if len(rows) == limit else end
