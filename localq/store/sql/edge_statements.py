"""The statements about edges, compiled once for a dialect; `edges` has the verbs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, insert, literal_column, or_, select, update

from localq.model.edges import OnError, Passing, Role
from localq.model.job import JobState
from localq.store.sql.job_clauses import FINAL, claimed_values, job_columns, run_again
from localq.store.sql.schema import edge, job, state_is
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["EdgeStatements"]

P = bindparam


class EdgeStatements(StatementTable):
    """What ties jobs together, and counts down."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._tying()
        self._counting()
        self._reviving()
        none_left = and_(state_is(JobState.WAITING), job.c.waits == literal_column("0"))
        stuck = select(job.c.key).where(none_left).order_by(job.c.key).limit(P("most"))
        self.claim_stuck = self.made(
            update(job).where(job.c.key.in_(stuck.scalar_subquery())).values(claimed_values()).returning(job.c.key)
        )
        self.claimed = self.made(select(*job_columns(with_args=True)).where(job.c.key == P("k")))

    def _tying(self) -> None:
        waiter, awaited = job.alias("w"), job.alias("d")
        columns = ("waiter", "position", "awaited", "passing", "on_error")
        ends = select(
            waiter.c.key, P("position"), func.coalesce(awaited.c.key, literal_column("0")), P("passing"), P("on_error")
        ).select_from(waiter.outerjoin(awaited, awaited.c.id == P("awaited_id")))
        self.tie = self.made(insert(edge).from_select(columns, ends.where(waiter.c.id == P("waiter_id"))))
        await_flag = job.c.role.op("|")(literal_column(str(Role.AWAITED)))
        self.mark_awaited = self.made(update(job).where(job.c.id == P("of_id")).values(role=await_flag))
        other = edge.alias("x")
        last = select(func.max(other.c.position) + literal_column("1")).where(other.c.waiter == edge.c.waiter)
        beside = (
            select(edge.c.waiter, last.scalar_subquery(), P("k"), edge.c.passing, edge.c.on_error)
            .select_from(edge.join(awaited, awaited.c.key == edge.c.awaited))
            .where(awaited.c.id == P("of_id"), edge.c.passing >= literal_column(str(int(Passing.LISTED))))
        )
        self.tie_beside = self.made(insert(edge).from_select(columns, beside))
        # Of what waits for the new job, only what does since now: others were counted when they were tied.
        of_list = (
            select(edge.c.waiter)
            .select_from(edge.join(awaited, awaited.c.key == edge.c.awaited))
            .where(awaited.c.id == P("of_id"), edge.c.passing >= literal_column(str(int(Passing.LISTED))))
        )
        self.wait_longer = self.made(
            update(job)
            .where(
                job.c.key.in_(of_list.scalar_subquery()), state_is(JobState.WAITING), job.c.waits > literal_column("0")
            )
            .values(waits=job.c.waits + literal_column("1"))
        )
        self.cut = self.made(
            update(edge)
            .where(edge.c.waiter == P("k"), edge.c.awaited == P("from_key"))
            .values(awaited=literal_column("0"))
        )
        self.untie = self.made(delete(edge).where(edge.c.waiter == P("k")))
        self.untie_awaited = self.made(delete(edge).where(edge.c.awaited == P("k")))
        self.replace = self.made(
            update(job)
            .where(job.c.key == P("k"))
            .values({name: P(f"to_{name}") for name in ("task", "queue", "priority", "args", "options", "waits")})
            .values(
                run_at=P("at"),
                expires_at=P("until"),
                role=job.c.role.op("&")(literal_column(str(Role.AWAITED))).op("|")(P("fed")),
            )
        )

    def _counting(self) -> None:
        waits = and_(job.c.key == P("k"), state_is(JobState.WAITING), job.c.waits > literal_column("0"))
        keys = self.words.listed("keys")
        self.cancelled_of = self.made(select(job.c.key).where(job.c.key.in_(keys), state_is(JobState.CANCELLED)))
        self.waiters_of = self.made(
            select(edge.c.waiter, func.count()).where(edge.c.awaited.in_(keys)).group_by(edge.c.waiter)
        )
        self.edges_from = self.made(
            select(edge.c.waiter, edge.c.on_error, edge.c.awaited).where(edge.c.awaited.in_(keys))
        )
        self.count_down = self.made(
            update(job)
            .where(waits)
            .values(
                waits=self.words.larger(literal_column("0"), job.c.waits - P("n")),
                culprit=func.coalesce(job.c.culprit, P("of_culprit")),
            )
        )
        self.doom = self.made(update(job).where(waits).values(waits=0, culprit=P("of_culprit")))
        late: Any = literal_column("0")
        when = case((job.c.run_at <= late, P("now") - job.c.run_at), else_=job.c.run_at)
        until = case((job.c.expires_at < late, P("now") - job.c.expires_at), else_=job.c.expires_at)
        self.let_go = self.made(
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

    def _reviving(self) -> None:
        self.ties_of = self.made(
            select(job.c.key, job.c.state, edge.c.on_error)
            .select_from(edge.outerjoin(job, job.c.key == edge.c.awaited))
            .where(edge.c.waiter == P("k"))
            .order_by(edge.c.position)
        )
        self.set_waits = self.made(
            update(job)
            .where(job.c.key == P("k"), or_(state_is(JobState.READY), state_is(JobState.WAITING)))
            .values(state=int(JobState.WAITING), waits=P("n"), culprit=P("of_culprit"))
        )
        self.blame = self.made(update(job).where(job.c.key == P("k")).values(culprit=P("of_culprit")))
        self.fate = self.made(select(job.c.state, job.c.culprit).where(job.c.key == P("k")))
        self.again = self.made(run_again(job.c.key == P("k")).returning(job.c.id))
        self.bad_ties = self.made(
            select(edge.c.awaited)
            .select_from(edge.join(job, job.c.key == edge.c.awaited))
            .where(
                edge.c.waiter == P("k"),
                edge.c.on_error != literal_column(str(int(OnError.SKIP))),
                job.c.state > FINAL,
            )
            .order_by(edge.c.position)
        )
