"""The statements about edges, compiled once for a dialect; `edges` has the verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)

from localq.model.edges import OnError, Passing, Role
from localq.model.job import JobState
from localq.store.sql.schema import ATTEMPT_BITS, attempt, edge, job, saved_group, state_is
from localq.store.sql.statement import Statement

__all__ = ["EdgeStatements", "kept_for_others", "may_go"]

P = bindparam
_FINAL: Any = literal_column(str(int(JobState.SUCCEEDED)))


def kept_for_others() -> ColumnElement[bool]:
    """Return the condition that an unfinished job still waits for a job, or did, and needs its result."""
    waiter = job.alias("waiter")
    return and_(
        job.c.role != literal_column("0"),
        exists(
            select(literal_column("1"))
            .select_from(edge.join(waiter, waiter.c.key == edge.c.waiter))
            .where(edge.c.awaited == job.c.key, waiter.c.state < _FINAL)
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


def _listed(name: str) -> Any:
    return select(func.json_each(P(name)).table_valued("value").c.value).scalar_subquery()


class EdgeStatements:
    """The statements of one dialect.

    Args:
        made: Compiles a clause.
        back: The columns of `Job` with its arguments, and without.
        taken: What a claim sets.
    """

    def __init__(self, made: Callable[[Executable], Statement], back: list[Any], plain: list[Any], taken: Any) -> None:
        self._tying(made)
        self._counting(made)
        self._reviving(made)
        self._reading(made, plain)
        none_left = and_(state_is(JobState.WAITING), job.c.waits == literal_column("0"))
        stuck = select(job.c.key).where(none_left).order_by(job.c.key).limit(P("most"))
        self.claim_stuck = made(
            update(job).where(job.c.key.in_(stuck.scalar_subquery())).values(taken).returning(*back)
        )

    def _tying(self, made: Callable[[Executable], Statement]) -> None:
        waiter, awaited = job.alias("w"), job.alias("d")
        columns = ("waiter", "position", "awaited", "passing", "on_error")
        ends = select(
            waiter.c.key, P("position"), func.coalesce(awaited.c.key, literal_column("0")), P("passing"), P("on_error")
        ).select_from(waiter.outerjoin(awaited, awaited.c.id == P("awaited_id")))
        self.tie = made(insert(edge).from_select(columns, ends.where(waiter.c.id == P("waiter_id"))))
        await_flag = job.c.role.op("|")(literal_column(str(Role.AWAITED)))
        self.mark_awaited = made(update(job).where(job.c.id == P("of_id")).values(role=await_flag))
        other = edge.alias("x")
        last = select(func.max(other.c.position) + literal_column("1")).where(other.c.waiter == edge.c.waiter)
        beside = (
            select(edge.c.waiter, last.scalar_subquery(), P("k"), edge.c.passing, edge.c.on_error)
            .select_from(edge.join(awaited, awaited.c.key == edge.c.awaited))
            .where(awaited.c.id == P("of_id"), edge.c.passing >= literal_column(str(int(Passing.LISTED))))
        )
        self.tie_beside = made(insert(edge).from_select(columns, beside))
        its_waiters = select(edge.c.waiter).where(edge.c.awaited == P("k")).scalar_subquery()
        self.wait_longer = made(
            update(job)
            .where(job.c.key.in_(its_waiters), state_is(JobState.WAITING), job.c.waits > literal_column("0"))
            .values(waits=job.c.waits + literal_column("1"))
        )
        self.untie = made(delete(edge).where(edge.c.waiter == P("k")))
        self.untie_awaited = made(delete(edge).where(edge.c.awaited == P("k")))
        self.replace = made(
            update(job)
            .where(job.c.key == P("k"))
            .values({name: P(f"to_{name}") for name in ("task", "queue", "priority", "args", "options", "waits")})
            .values(
                run_at=P("at"),
                expires_at=P("until"),
                role=job.c.role.op("&")(literal_column(str(Role.AWAITED))).op("|")(P("fed")),
            )
        )
        self.whole_call = made(
            update(job).where(job.c.key == P("k")).values(role=job.c.role.op("&")(literal_column(str(Role.AWAITED))))
        )

    def _counting(self, made: Callable[[Executable], Statement]) -> None:
        waits = and_(job.c.key == P("k"), state_is(JobState.WAITING), job.c.waits > literal_column("0"))
        self.cancelled_of = made(select(job.c.key).where(job.c.key.in_(_listed("keys")), state_is(JobState.CANCELLED)))
        self.waiters_of = made(
            select(edge.c.waiter, func.count()).where(edge.c.awaited.in_(_listed("keys"))).group_by(edge.c.waiter)
        )
        self.edges_from = made(
            select(edge.c.waiter, edge.c.on_error, edge.c.awaited).where(edge.c.awaited.in_(_listed("keys")))
        )
        self.count_down = made(
            update(job)
            .where(waits)
            .values(
                waits=func.max(literal_column("0"), job.c.waits - P("n")),
                culprit=func.coalesce(job.c.culprit, P("of_culprit")),
            )
        )
        self.doom = made(update(job).where(waits).values(waits=0, culprit=P("of_culprit")))
        late: Any = literal_column("0")
        when = case((job.c.run_at <= late, P("now") - job.c.run_at), else_=job.c.run_at)
        until = case((job.c.expires_at < late, P("now") - job.c.expires_at), else_=job.c.expires_at)
        self.let_go = made(
            update(job)
            .where(
                job.c.key == P("k"),
                state_is(JobState.WAITING),
                job.c.waits == literal_column("0"),
                job.c.culprit.is_(None),
            )
            .values(
                state=case(
                    (when > P("now"), literal_column(str(int(JobState.SCHEDULED)))),
                    else_=literal_column(str(int(JobState.READY))),
                ),
                run_at=when,
                expires_at=until,
            )
        )

    def _reviving(self, made: Callable[[Executable], Statement]) -> None:
        self.ties_of = made(
            select(job.c.key, job.c.state, edge.c.on_error)
            .select_from(edge.outerjoin(job, job.c.key == edge.c.awaited))
            .where(edge.c.waiter == P("k"))
            .order_by(edge.c.position)
        )
        self.set_waits = made(
            update(job)
            .where(job.c.key == P("k"), or_(state_is(JobState.READY), state_is(JobState.WAITING)))
            .values(state=int(JobState.WAITING), waits=P("n"), culprit=P("of_culprit"))
        )
        self.blame = made(update(job).where(job.c.key == P("k")).values(culprit=P("of_culprit")))
        self.fate = made(select(job.c.state, job.c.culprit).where(job.c.key == P("k")))
        self.again = made(
            update(job)
            .where(job.c.key == P("k"), job.c.state >= _FINAL)
            .values(
                state=int(JobState.READY),
                run_at=P("now"),
                finished_at=null(),
                expires_at=null(),
                retries=0,
                crashes=0,
                cancel=0,
                shown=null(),
                culprit=null(),
            )
            .returning(job.c.id)
        )
        self.bad_ties = made(
            select(edge.c.awaited)
            .select_from(edge.join(job, job.c.key == edge.c.awaited))
            .where(
                edge.c.waiter == P("k"),
                edge.c.on_error != literal_column(str(int(OnError.SKIP))),
                job.c.state > _FINAL,
            )
            .order_by(edge.c.position)
        )

    def _reading(self, made: Callable[[Executable], Statement], plain: list[Any]) -> None:
        other = attempt.alias("other")
        span: Any = literal_column(str(1 << ATTEMPT_BITS))
        good = (
            select(func.max(other.c.key))
            .where(other.c.key >= job.c.key * span, other.c.key < (job.c.key + literal_column("1")) * span)
            .where(other.c.ending == literal_column("'SUCCESS'"))
        )
        self.inputs = made(
            select(job.c.id, job.c.state, job.c.options, edge.c.passing, edge.c.on_error, attempt.c.result)
            .select_from(
                edge.join(job, job.c.key == edge.c.awaited).outerjoin(attempt, attempt.c.key == good.scalar_subquery())
            )
            .where(edge.c.waiter == P("k"), edge.c.passing != literal_column("0"))
            .order_by(edge.c.position)
        )
        self.family = made(
            select(*plain)
            .where(or_(job.c.workflow == P("of_workflow"), job.c.id == P("of_workflow")))
            .order_by(job.c.key)
        )
        self.ties = made(
            select(edge.c.waiter, edge.c.position, edge.c.awaited, edge.c.passing, edge.c.on_error)
            .select_from(edge.join(job, job.c.key == edge.c.waiter))
            .where(job.c.workflow == P("of_workflow"))
            .order_by(edge.c.waiter, edge.c.position)
        )
        self.saved = made(select(saved_group.c.content).where(saved_group.c.id == P("of_id")))
        self.drop_saved = made(delete(saved_group).where(saved_group.c.id == P("of_id")))
        self.drop_old_saved = made(delete(saved_group).where(saved_group.c.saved_at < P("before")))
