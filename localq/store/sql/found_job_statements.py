"""The statements that find jobs by what they are, which are made when they are asked for: there are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Select, bindparam, exists, false, func, literal_column, or_, select

from localq.model.job import JobState
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.job_shape import Looker, Shape
from localq.store.sql.layout import ATTEMPT_BITS
from localq.store.sql.schema import attempt, job, payload, state_is, worker
from localq.store.sql.statement_table import compiled
from localq.store.sql.words import SqlWords

__all__ = ["Look", "lookers", "looks"]

P = bindparam
#: States looked up in an index of their own.
_RARE = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED)


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


def looks(shape: Shape, words: SqlWords) -> Iterator[Look]:
    """Yield the looks that find a filter's jobs together; no two of them find the same.

    Few jobs run, fail, are revoked or show a state of their own, and they may lie far behind others: they are looked
    for in indexes of their own. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    below = (job.c.key < P("before"),) if shape.before else ()
    fits = tuple(_narrowing(shape, words))
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


def _narrowing(shape: Shape, words: SqlWords) -> Iterator[ColumnElement[bool]]:
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
        large = exists(select(payload.c.job).where(payload.c.job == job.c.key, words.has(payload.c.args, sought)))
        yield or_(words.has(job.c.args, sought), large, _has_run(words.has(attempt.c.failure, sought)))
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


def lookers(shape: Shape, words: SqlWords) -> tuple[Looker, ...]:
    """Return the statements that find a filter's jobs together; see `looks`."""
    return tuple(
        Looker(compiled(look.query(), words), None if look.whole else compiled(look.newest(), words))
        for look in looks(shape, words)
    )
