"""The statements that only read jobs, and what ties them together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from localq.model.edges import Role
from localq.model.job import JobState
from localq.store.sql.job_clauses import FINAL, job_columns, waiting_columns
from localq.store.sql.layout import ATTEMPT_BITS
from localq.store.sql.schema import attempt, edge, job, note, state_is
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["ReadStatements"]

P = bindparam


def _counts(finished: bool) -> CompoundSelect[Any]:
    """Return the number of jobs by queue and state, each state from its own index."""
    open_ones = [
        select(job.c.queue, literal_column(str(int(state))), func.count()).where(state_is(state)).group_by(job.c.queue)
        for state in JobState
        if not state.final
    ]
    if not finished:
        return union_all(*open_ones)
    done = (
        select(job.c.queue, job.c.state, func.count())
        .where(job.c.finished_at.is_not(None))
        .group_by(job.c.state, job.c.queue)
    )
    return union_all(*open_ones, done)


def _ahead() -> Select[Any]:
    """Return the number of READY jobs before one in the order of claiming, up to `most`."""
    in_queue = and_(state_is(JobState.READY), job.c.queue == P("of_queue"))
    before = or_(job.c.priority > P("rank"), and_(job.c.priority == P("rank"), job.c.key < P("k")))
    some = select(job.c.key).where(in_queue, before).limit(P("most")).subquery()
    return select(func.count()).select_from(some)


def _seen(which: ColumnElement[bool]) -> Select[Any]:
    """Return jobs, each with its last attempt, and with its note where that is told."""
    own = attempt.alias("own")
    span: Any = literal_column(str(1 << ATTEMPT_BITS))
    last = select(func.max(own.c.key)).where(
        own.c.key >= job.c.key * span, own.c.key < (job.c.key + literal_column("1")) * span
    )
    said = select(note.c.meta).where(note.c.job == job.c.key).scalar_subquery()
    told = case((or_(job.c.shown.is_not(None), job.c.state == literal_column(str(int(JobState.RUNNING)))), said))
    return (
        select(*job_columns(with_args=False), *attempt.columns, told.label("told"))
        .select_from(job.outerjoin(attempt, attempt.c.key == last.scalar_subquery()))
        .where(which)
    )


def _stranded() -> Select[Any]:
    """Return the jobs that wait for more than is to come, or only for others that wait for them in turn."""
    none: Any = literal_column("0")
    awaited = job.alias("awaited")
    to_come = (
        select(func.count())
        .select_from(edge.join(awaited, awaited.c.key == edge.c.awaited))
        .where(edge.c.waiter == job.c.key, awaited.c.state < FINAL)
        .scalar_subquery()
    )
    # Whoever waits for what moves will be told, and then moves as well.
    moves = or_(job.c.state > literal_column(str(int(JobState.WAITING))), job.c.waits == none)
    moving = (
        select(job.c.key)
        .where(job.c.state < FINAL, moves, job.c.role.op("&")(literal_column(str(Role.AWAITED))) != none)
        .cte("moving", recursive=True)
    )
    moving = moving.union(select(edge.c.waiter).where(edge.c.awaited == moving.c.key))
    return (
        select(*job_columns(with_args=False))
        .where(
            state_is(JobState.WAITING),
            job.c.waits > none,
            or_(job.c.waits > to_come, job.c.key.not_in(select(moving.c.key))),
        )
        .order_by(job.c.key)
        .limit(P("most"))
    )


class ReadStatements(StatementTable):
    """What there is to know of jobs."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._jobs()
        self._counting()
        self._edges()

    def _jobs(self) -> None:
        self.call = self.made(select(*job_columns(with_args=True)).where(job.c.id == P("of_id")))
        self.starting = self.made(
            select(*job_columns(with_args=False))
            .where(job.c.id >= P("prefix"), job.c.id < P("end"))
            .order_by(job.c.id.desc())
            .limit(P("most"))
        )
        columns = list(attempt.columns)
        within = and_(attempt.c.key >= P("first"), attempt.c.key < P("end"))
        self.ahead = self.made(_ahead())
        self.attempts = self.made(select(*columns).where(within).order_by(attempt.c.key))
        self.last_attempt = self.made(select(*columns).where(within).order_by(attempt.c.key.desc()).limit(1))
        named = job.c.id.in_(self.words.listed("names"))
        self.added_at = self.made(select(job.c.created_at).where(job.c.key >= P("end")).order_by(job.c.key).limit(1))
        self.calls = self.made(select(*job_columns(with_args=True)).where(named))
        self.by_ids = self.made(select(*job_columns(with_args=False)).where(named))
        self.seen, self.seen_one = self.made(_seen(named)), self.made(_seen(job.c.id == P("of_id")))
        noted = note.join(job, job.c.key == note.c.job)
        self.notes_of = self.made(select(job.c.id, note.c.meta).select_from(noted).where(named))

    def _counting(self) -> None:
        self.stats, self.open_stats = self.made(_counts(True)), self.made(_counts(False))
        line = (
            select(job.c.task, job.c.run_at)
            .where(state_is(JobState.READY), job.c.queue == P("of_queue"), job.c.priority == P("rank"))
            .order_by(job.c.key)
            .limit(P("most"))
            .subquery()
        )
        self.line = self.made(select(line.c.task, func.count(), func.min(line.c.run_at)).group_by(line.c.task))
        waiting = waiting_columns(job.c.queue, job.c.task).subquery()
        self.waiting = self.made(
            select(waiting.c.queue, waiting.c.task, func.count()).group_by(waiting.c.queue, waiting.c.task)
        )

    def _edges(self) -> None:
        other = attempt.alias("other")
        span: Any = literal_column(str(1 << ATTEMPT_BITS))
        good = (
            select(func.max(other.c.key))
            .where(other.c.key >= job.c.key * span, other.c.key < (job.c.key + literal_column("1")) * span)
            .where(other.c.ending == literal_column("'SUCCESS'"))
        )
        self.inputs = self.made(
            select(job.c.id, job.c.state, job.c.options, edge.c.passing, edge.c.on_error, attempt.c.result)
            .select_from(
                edge.join(job, job.c.key == edge.c.awaited).outerjoin(attempt, attempt.c.key == good.scalar_subquery())
            )
            .where(edge.c.waiter == P("k"), edge.c.passing != literal_column("0"))
            .order_by(edge.c.position)
        )
        self.stranded = self.made(_stranded())
        named = or_(job.c.workflow == P("of_workflow"), job.c.id == P("of_workflow"))
        # The keys alone stand in indexes: no other row of a large workflow is read.
        first = select(job.c.key).where(named).order_by(job.c.key).limit(P("most")).subquery()
        self.family = self.made(
            select(*job_columns(with_args=False)).where(job.c.key.in_(select(first.c.key))).order_by(job.c.key)
        )
        self._ties()

    def _ties(self) -> None:
        awaited = job.alias("awaited")
        self.ties = self.made(
            select(job.c.id, edge.c.position, awaited.c.id, edge.c.passing, edge.c.on_error)
            .select_from(edge.join(job, job.c.key == edge.c.waiter).outerjoin(awaited, awaited.c.key == edge.c.awaited))
            .where(job.c.workflow == P("of_workflow"))
            .order_by(edge.c.waiter, edge.c.position)
        )
        among = (edge.c[end].in_(self.words.listed("keys")) for end in ("waiter", "awaited"))
        self.ties_among = self.made(
            select(job.c.id, edge.c.position, awaited.c.id, edge.c.passing, edge.c.on_error)
            .select_from(edge.join(job, job.c.key == edge.c.waiter).join(awaited, awaited.c.key == edge.c.awaited))
            .where(*among)
            .order_by(edge.c.waiter, edge.c.position)
        )
        state = job.c.state
        urgency = case(
            (state > FINAL, literal_column("0")), (state < FINAL, literal_column("1")), else_=literal_column("2")
        )
        awaits = edge.join(job, job.c.key == edge.c.awaited)
        some = (
            select(job.c.key, urgency.label("urgency"), edge.c.position)
            .select_from(awaits)
            .where(edge.c.waiter == P("k"))
            .order_by(urgency, edge.c.position)
            .limit(P("most"))
            .subquery()
        )
        self.awaited = self.made(
            select(*job_columns(with_args=False))
            .select_from(job.join(some, some.c.key == job.c.key))
            .order_by(some.c.urgency, some.c.position)
        )
