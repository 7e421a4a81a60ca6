"""Finding jobs by what they are: a page at a time, of which each look goes through an index, and not far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select

from localq.model.job import Job, JobState
from localq.store.protocol.reading import Filter, Page
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import job, state_is
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


def looks(which: Filter) -> Iterator[Look]:
    """Yield the looks that find a filter's jobs together; no two of them find the same.

    Few jobs run, fail, are revoked or show a state of their own, and they may lie far behind others: they are looked
    for in indexes of their own. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    below = () if which.before is None else (job.c.key < which.before,)
    fits = tuple(_narrowing(which))
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


def _narrowing(which: Filter) -> Iterator[ColumnElement[bool]]:
    """Yield what no index helps to find."""
    if which.tasks is not None:
        yield job.c.task.in_(list(which.tasks))
    if which.queues is not None:
        yield job.c.queue.in_(list(which.queues))


def _state_in(states: Sequence[JobState]) -> ColumnElement[bool]:
    return job.c.state.in_([int(state) for state in states])


def page(cursor: Any, dialect: SqlDialect, which: Filter, limit: int, look: int) -> Page:
    """Return a page of jobs; see `localq.store.protocol.reading`."""
    rows: list[Any] = []
    end = 0
    for part in looks(which):
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
