"""Finding jobs by what they are: a page at a time, of which each look goes through an index, and not far."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Select, bindparam, exists, false, func, literal_column, or_, select

from localq.model.job import Job, JobState
from localq.store.protocol.reading import Filter, Page
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import ATTEMPT_BITS, attempt, job, payload, state_is, worker
from localq.store.sql.statement import Statement

__all__ = ["Look", "Shape", "looks", "page", "shape_of"]

P = bindparam
#: States looked up in an index of their own.
_RARE = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED)
#: Shapes of filters whose statements are kept: to compile one takes longer than to run it.
_KEPT = 200


class Shape(NamedTuple):
    """What of a filter stands in the text of its statements: which parts it has, and how many names; not their values.

    States are few, and the indexes hang on them: they are told as they are.
    """

    states: tuple[JobState, ...] | None
    tasks: int | None
    queues: int | None
    shown: bool
    before: bool
    since: bool
    until: bool
    worker: bool
    text: bool


def shape_of(which: Filter) -> Shape:
    """Return the shape of a filter."""
    return Shape(
        states=which.states,
        tasks=None if which.tasks is None else len(which.tasks),
        queues=None if which.queues is None else len(which.queues),
        shown=which.shown is not None,
        before=which.before is not None,
        since=which.added[0] is not None,
        until=which.added[1] is not None,
        worker=which.worker is not None,
        text=which.text is not None,
    )


def _values(which: Filter) -> dict[str, Any]:
    """Return a filter's values by the names that they have in its statements."""
    found: dict[str, Any] = {f"task_{place}": name for place, name in enumerate(which.tasks or ())}
    found |= {f"state_{int(state)}": int(state) for state in which.states or ()}
    found |= {f"queue_{place}": name for place, name in enumerate(which.queues or ())}
    found |= {"as_shown": which.shown, "before": which.before, "since": which.added[0], "until": which.added[1]}
    if which.worker is not None:
        # The name stands in the card, which is JSON, with what parts it from other names.
        named = f'"name": {json.dumps(which.worker)}'
        for special in "/%_":
            named = named.replace(special, f"/{special}")
        found |= {"ran_on": which.worker, "named": named}
    if which.text is not None:
        found["sought"] = which.text.encode()
    return found


class Look(NamedTuple):
    """A part of what a filter finds: the jobs of an index (`among`), of which only those that fit are meant.

    `few`: there are never many in that index, so that all may be looked at.
    """

    among: tuple[ColumnElement[bool], ...]
    fits: tuple[ColumnElement[bool], ...]
    few: bool = False

    @property
    def whole(self) -> bool:
        """Whether a page of it can be found without ever looking far."""
        return self.few or not self.fits

    def query(self) -> Select[Any]:
        """Return what finds the jobs, the newest first: `most` of them, none with a key below `end` if not `whole`."""
        # Where an index has few, a bare key would make SQLite walk the table in that order instead.
        newest = (job.c.key + literal_column("0")).desc() if self.few else job.c.key.desc()
        found = select(*job_columns(with_args=False)).where(*self.among, *self.fits).order_by(newest).limit(P("most"))
        return found if self.whole else found.where(job.c.key >= P("end"))

    def newest(self) -> Select[Any]:
        """Return what finds the key of the newest job of the index."""
        return select(func.max(job.c.key)).where(*self.among)


def looks(shape: Shape, dialect: SqlDialect) -> Iterator[Look]:
    """Yield the looks that find a filter's jobs together; no two of them find the same.

    Few jobs run, fail, are revoked or show a state of their own, and they may lie far behind others: they are looked
    for in indexes of their own. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    below = (job.c.key < P("before"),) if shape.before else ()
    fits = tuple(_narrowing(shape, dialect))
    if shape.shown:
        states = () if shape.states is None else (_state_in(shape.states),)
        yield Look((job.c.shown == P("as_shown"), *below), (*states, *fits))
        return
    if shape.states is None:
        yield Look(below, fits)
        return
    common = [state for state in shape.states if state not in _RARE]
    if common:
        yield Look(below, (_state_in(common), *fits))
    if JobState.RUNNING in shape.states:
        yield Look((state_is(JobState.RUNNING), *below), fits, few=True)
    failed = job.c.state > literal_column(str(int(JobState.SUCCEEDED)))
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in shape.states:
            yield Look((failed, state_is(state), *below), fits)


def _narrowing(shape: Shape, dialect: SqlDialect) -> Iterator[ColumnElement[bool]]:
    """Yield what no index helps to find."""
    if shape.since:
        yield job.c.created_at >= P("since")
    if shape.until:
        yield job.c.created_at < P("until")
    if shape.worker:
        named = worker.c.card.contains(P("named"), escape="/")
        runs = job.c.owner.in_(select(worker.c.key).where(named))
        yield or_(_has_run(attempt.c.worker == P("ran_on")), runs)
    if shape.text:
        sought = P("sought", type_=LargeBinary)
        large = exists(select(payload.c.job).where(payload.c.job == job.c.key, dialect.has(payload.c.args, sought)))
        yield or_(dialect.has(job.c.args, sought), large, _has_run(dialect.has(attempt.c.failure, sought)))
    if shape.tasks is not None:
        yield _is_among(job.c.task, "task", shape.tasks)
    if shape.queues is not None:
        yield _is_among(job.c.queue, "queue", shape.queues)


def _has_run(how: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a job has a run like that."""
    span: Any = literal_column(str(1 << ATTEMPT_BITS))
    first, end = job.c.key * span, (job.c.key + literal_column("1")) * span
    return exists(select(attempt.c.key).where(attempt.c.key >= first, attempt.c.key < end, how))


def _state_in(states: Sequence[JobState]) -> ColumnElement[bool]:
    # As parameters: told as they are, one of them might draw SQLite to the index of that state alone, and to sorting.
    return job.c.state.in_([P(f"state_{int(state)}") for state in states])


def _is_among(column: ColumnElement[Any], name: str, count: int) -> ColumnElement[bool]:
    """Return the condition that a column has one of so many values."""
    return column.in_([P(f"{name}_{place}") for place in range(count)]) if count else false()


class _Looker(NamedTuple):
    """The statements of a look; `newest` None: it never looks far."""

    query: Statement
    newest: Statement | None


@lru_cache(maxsize=_KEPT)
def _lookers(shape: Shape, dialect: SqlDialect) -> tuple[_Looker, ...]:
    def made(clause: Select[Any]) -> Statement:
        return Statement(clause, dialect.compiler)

    return tuple(
        _Looker(made(look.query()), None if look.whole else made(look.newest())) for look in looks(shape, dialect)
    )


@lru_cache(maxsize=8)
def _added_at(dialect: SqlDialect) -> Statement:
    """Return what finds when the first job from a key on was added."""
    first = select(job.c.created_at).where(job.c.key >= P("end")).order_by(job.c.key).limit(1)
    return Statement(first, dialect.compiler)


def page(cursor: Any, dialect: SqlDialect, which: Filter, limit: int, look: int) -> Page:
    """Return a page of jobs; see `localq.store.protocol.reading`."""
    rows: list[Any] = []
    end, values = 0, {**_values(which), "most": limit}
    for part in _lookers(shape_of(which), dialect):
        found, its_end = _looked(cursor, part, values, look)
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
    return Page(jobs, end, _added_at(dialect).run(cursor, end=end).fetchone()[0])


def _looked(cursor: Any, part: _Looker, values: dict[str, Any], look: int) -> tuple[list[Any], int]:
    """Return the rows that a look finds, and the lowest key it came to; 0: it saw all."""
    end = 0
    if part.newest is not None:
        # Keys count up: no more than so many jobs lie within a span of them.
        newest = part.newest.run(cursor, **values).fetchone()[0]
        if newest is None:
            return [], 0
        end = max(0, newest - look)
    rows = part.query.run(cursor, **{**values, "end": end}).fetchall()
    return rows, rows[-1][0] if len(rows) == values["most"] else end
