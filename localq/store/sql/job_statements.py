"""Every hot statement, written with SQLAlchemy Core and compiled once for a dialect, when it is first used.

`ON CONFLICT` is written with SQLite's own insert; another dialect brings its own, imported only where it is used:
SQLAlchemy's dialects cost tens of milliseconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Dialect,
    Executable,
    Table,
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
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite

from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT, PAUSE, RATE
from localq.store.sql.edge_statements import EdgeStatements, kept_for_others, may_go
from localq.store.sql.schema import (
    ATTEMPT_BITS,
    attempt,
    is_parked,
    job,
    meta,
    note,
    payload,
    saved_group,
    standing_order,
    state_is,
    worker,
)
from localq.store.sql.statement import Statement

__all__ = ["Statements", "job_columns", "span", "statements", "waiting_columns"]

P = bindparam
_SPAN = 1 << ATTEMPT_BITS
_FINAL = int(JobState.SUCCEEDED)
_WAITING = (JobState.WAITING, JobState.SCHEDULED, JobState.READY)


def job_columns(with_args: bool) -> list[Any]:
    """Return the columns of `Job`, in its order."""
    columns: list[Any] = [job.c[name] for name in Job._fields]
    if not with_args:
        columns[Job._fields.index("args")] = null().label("args")
    return columns


def waiting_columns(*columns: Any, queues: Sequence[str] | None = None) -> CompoundSelect[Any]:
    """Return columns of the jobs that wait or are due, by the index of each."""
    wanted = [] if queues is None else [job.c.queue.in_(list(queues))]
    return union_all(*(select(*columns).where(state_is(state), *wanted) for state in _WAITING))


def _outlook() -> Executable:
    """Return what a live worker must know before it claims: what else may have to be done, and when.

    Whether anything may keep a claim from taking what is ready, when the next job is due, whether any cannot run
    because of others. No row: the worker was taken for dead.
    """
    braked = or_(
        exists().where(standing_order.c.kind.in_([literal_column(f"'{PAUSE}'"), literal_column(f"'{RATE}'")])),
        exists().where(is_parked()),
    )
    timed = job.c.run_at < literal_column(str(PARKED_AT))
    due = select(func.min(job.c.run_at)).where(state_is(JobState.SCHEDULED), timed)
    stuck: Any = (
        select(literal_column("1")).where(state_is(JobState.WAITING), job.c.waits == literal_column("0")).limit(1)
    )
    return select(braked, due.scalar_subquery(), stuck.scalar_subquery()).where(
        worker.c.key == bindparam("k"), worker.c.gone == literal_column("0")
    )


def _counts() -> CompoundSelect[Any]:
    """Return the number of jobs by queue and state, each state from its own index."""
    open_ones = (
        select(job.c.queue, literal_column(str(int(state))), func.count()).where(state_is(state)).group_by(job.c.queue)
        for state in JobState
        if not state.final
    )
    done = (
        select(job.c.queue, job.c.state, func.count())
        .where(job.c.finished_at.is_not(None))
        .group_by(job.c.state, job.c.queue)
    )
    return union_all(*open_ones, done)


class Statements:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        def made(clause: Executable) -> Statement:
            return Statement(clause, dialect)

        self.made = made
        self._adding(made)
        self._claiming(made)
        self._finishing(made)
        self._workers(made)
        self._reading(made)
        self._changing(made)
        self._pruning(made)
        self._dropping(made)

    def _upsert(self, table: Table, primary: str) -> Executable:
        """Return an insert that replaces the row of the same primary key."""
        plain = sqlite.insert(table).values({c.name: P(c.name) for c in table.columns})
        rest = {c.name: plain.excluded[c.name] for c in table.columns if c.name != primary}
        return plain.on_conflict_do_update(index_elements=[primary], set_=rest)

    def _adding(self, made: Callable[[Executable], Statement]) -> None:
        names = ("id", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "args", "options")
        self.add_job = made(
            sqlite.insert(job).values({name: P(name) for name in names}).on_conflict_do_nothing(index_elements=["id"])
        )
        more = (*names, "waits", "role", "workflow")
        self.add_member = made(
            sqlite.insert(job).values({name: P(name) for name in more}).on_conflict_do_nothing(index_elements=["id"])
        )
        self.add_payload = made(insert(payload).values(job=P("job"), args=P("args")))

    def _claiming(self, made: Callable[[Executable], Statement]) -> None:
        ready = state_is(JobState.READY)
        due = (
            select(job.c.key)
            .where(state_is(JobState.SCHEDULED), job.c.run_at <= P("now"))
            .order_by(job.c.run_at)
            .limit(P("most"))
        )
        self.outlook = made(_outlook())
        self.promote = made(update(job).where(job.c.key.in_(due.scalar_subquery())).values(state=int(JobState.READY)))
        self.next_queue = made(select(func.min(job.c.queue)).where(ready, job.c.queue > P("after")))
        best = (
            select(job.c.key)
            .where(ready, job.c.queue == P("of_queue"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        self.best_of_queue = made(best.add_columns(job.c.priority))
        taken = {
            "state": int(JobState.RUNNING),
            "run_token": job.c.run_token + literal_column("1"),
            "attempts": job.c.attempts + literal_column("1"),
            "owner": P("worker"),
            "shown": null(),
        }
        back = job_columns(with_args=True)
        self.claim_queue = made(update(job).where(job.c.key.in_(best.scalar_subquery())).values(taken).returning(*back))
        listed = select(func.json_each(P("keys")).table_valued("value").c.value)
        self.claim_keys = made(
            update(job).where(ready, job.c.key.in_(listed.scalar_subquery())).values(taken).returning(*back)
        )
        self.payload = made(select(payload.c.args).where(payload.c.job == P("job")))
        self.edges = EdgeStatements(made, back, job_columns(with_args=False), taken)
        self.save_group = made(self._upsert(saved_group, "id"))

    def _finishing(self, made: Callable[[Executable], Statement]) -> None:
        held = and_(
            job.c.key == P("k"),
            job.c.id == P("of_id"),
            job.c.run_token == P("token"),
            job.c.owner == P("worker"),
            # Something began to wait for the job after it was claimed: then its end must be counted down.
            job.c.role == P("as_role"),
            state_is(JobState.RUNNING),
        )
        wanted: Any = P("to_state")
        cancelled = and_(job.c.cancel > literal_column("0"), wanted < literal_column(str(_FINAL)))
        self.finish = made(
            update(job)
            .where(held)
            .values(
                state=case((cancelled, literal_column(str(int(JobState.CANCELLED)))), else_=wanted),
                finished_at=case((or_(cancelled, wanted >= literal_column(str(_FINAL))), P("now")), else_=null()),
                owner=null(),
                run_at=P("at"),
                retries=P("to_retries"),
                crashes=P("to_crashes"),
                shown=case((cancelled, null()), else_=P("to_shown")),
                attempts=job.c.attempts - P("uncharged"),
            )
        )
        self.new_call = made(
            update(job).where(job.c.key == P("k")).values(args=P("new_args"), options=P("new_options"))
        )
        self.new_place = made(
            update(job)
            .where(job.c.key == P("k"))
            .values(
                queue=func.coalesce(P("new_queue"), job.c.queue),
                priority=func.coalesce(P("new_priority"), job.c.priority),
            )
        )
        self.add_attempt = made(self._upsert(attempt, "key"))
        unfinished = job.c.state < literal_column(str(_FINAL))
        self.note_shown = made(
            update(job)
            .where(job.c.id == P("of_id"), unfinished)
            .values(shown=func.coalesce(P("to_shown"), job.c.shown))
            .returning(job.c.key)
        )
        self.add_note = made(self._upsert(note, "job"))

    def _workers(self, made: Callable[[Executable], Statement]) -> None:
        self.register = made(
            insert(worker).values(
                {name: P(name) for name in ("uuid", "boot_id", "card", "started_at", "seen_at", "lease_until")}
            )
        )
        self.beat = made(
            update(worker)
            .where(worker.c.key == P("k"), worker.c.gone == literal_column("0"))
            .values(seen_at=P("now"), lease_until=P("until"))
        )
        self.owned = made(
            select(job.c.key, job.c.run_token, job.c.cancel).where(
                job.c.owner == P("worker"), state_is(JobState.RUNNING)
            )
        )
        self.workers = made(select(*worker.columns).order_by(worker.c.key))
        self.describe = made(update(worker).where(worker.c.key == P("k")).values(card=P("card")))
        self.orders = made(
            select(standing_order.c.kind, standing_order.c.name, standing_order.c.value).order_by(
                standing_order.c.kind, standing_order.c.name
            )
        )
        self._leaving(made)

    def _leaving(self, made: Callable[[Executable], Statement]) -> None:
        self.bury = made(
            update(worker)
            .where(worker.c.key == P("k"), worker.c.gone == literal_column("0"))
            .values(gone=1, seen_at=P("now"))
        )
        owners = select(job.c.owner).where(state_is(JobState.RUNNING)).distinct().subquery()
        dead = (
            select(owners.c.owner)
            .select_from(owners.outerjoin(worker, worker.c.key == owners.c.owner))
            .where(
                or_(
                    worker.c.key.is_(None),
                    worker.c.gone != literal_column("0"),
                    worker.c.boot_id != P("boot"),
                    worker.c.lease_until < P("lease_now"),
                )
            )
        )
        self.lost = made(
            select(*job_columns(with_args=False))
            .where(state_is(JobState.RUNNING), job.c.owner.in_(dead.scalar_subquery()))
            .limit(P("most"))
        )
        busy = select(job.c.owner).where(state_is(JobState.RUNNING))
        self.drop_workers = made(
            delete(worker).where(
                worker.c.gone != literal_column("0"),
                worker.c.seen_at < P("before"),
                worker.c.key.not_in(busy.scalar_subquery()),
            )
        )

    def _reading(self, made: Callable[[Executable], Statement]) -> None:
        self.by_id = made(select(*job_columns(with_args=False)).where(job.c.id == P("of_id")))
        self.call = made(select(*job_columns(with_args=True)).where(job.c.id == P("of_id")))
        self.by_key = made(select(*job_columns(with_args=False)).where(job.c.key == P("k")))
        self.role_of = made(select(job.c.role).where(job.c.key == P("k"), job.c.id == P("of_id")))
        columns = list(attempt.columns)
        within = and_(attempt.c.key >= P("first"), attempt.c.key < P("end"))
        self.attempts = made(select(*columns).where(within).order_by(attempt.c.key))
        self.last_attempt = made(select(*columns).where(within).order_by(attempt.c.key.desc()).limit(1))
        self.note = made(select(note.c.meta).where(note.c.job == P("job")))
        self.stats = made(_counts())
        line = (
            select(job.c.run_at)
            .where(state_is(JobState.READY), job.c.queue == P("of_queue"), job.c.priority == P("rank"))
            .order_by(job.c.key)
            .limit(P("most"))
            .subquery()
        )
        self.oldest_in_line = made(select(func.min(line.c.run_at)))
        waiting = waiting_columns(job.c.queue, job.c.task).subquery()
        self.waiting = made(
            select(waiting.c.queue, waiting.c.task, func.count()).group_by(waiting.c.queue, waiting.c.task)
        )
        self.get_meta = made(select(meta.c.value).where(meta.c.name == P("of_name")))
        self.set_meta = made(self._upsert(meta, "name"))

    def _changing(self, made: Callable[[Executable], Statement]) -> None:
        self.cancel_waiting = made(
            update(job)
            .where(job.c.key == P("k"), job.c.state < literal_column(str(int(JobState.RUNNING))))
            .values(state=int(JobState.CANCELLED), finished_at=P("now"), cancel=P("signal"), shown=null())
        )
        self.flag = made(
            update(job)
            .where(job.c.key == P("k"), state_is(JobState.RUNNING))
            .values(
                cancel=case(
                    (or_(P("signal") > literal_column("1"), job.c.cancel == literal_column("0")), P("signal")),
                    else_=job.c.cancel,
                )
            )
        )
        self.requeue = made(
            update(job)
            .where(job.c.id == P("of_id"), job.c.state >= literal_column(str(_FINAL)))
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
            .returning(job.c.key, job.c.id, job.c.role, job.c.workflow)
        )

    def _pruning(self, made: Callable[[Executable], Statement]) -> None:
        self.next_done = made(
            select(func.min(job.c.queue)).where(
                job.c.finished_at.is_not(None), job.c.state == P("of_state"), job.c.queue > P("after")
            )
        )
        self.done_before = made(
            select(
                job.c.key,
                job.c.finished_at,
                case((and_(may_go(P("before")), ~kept_for_others()), literal_column("1")), else_=literal_column("0")),
            )
            .where(
                job.c.state == P("of_state"),
                job.c.queue == P("of_queue"),
                job.c.finished_at >= P("since"),
                job.c.finished_at < P("before"),
            )
            .order_by(job.c.finished_at)
            .limit(P("most"))
        )
        listed = select(func.json_each(P("keys")).table_valued("value").c.value)
        self.still_done = made(
            select(job.c.key).where(
                job.c.key.in_(listed.scalar_subquery()),
                job.c.finished_at < P("before"),
                may_go(P("before")),
                ~kept_for_others(),
            )
        )

    def _dropping(self, made: Callable[[Executable], Statement]) -> None:
        self.final_key = made(
            select(job.c.key).where(
                job.c.id == P("of_id"), job.c.state >= literal_column(str(_FINAL)), ~kept_for_others()
            )
        )
        self.drop_job = made(delete(job).where(job.c.key == P("k")))
        self.drop_payload = made(delete(payload).where(payload.c.job == P("k")))
        self.drop_note = made(delete(note).where(note.c.job == P("k")))
        self.drop_attempts = made(delete(attempt).where(attempt.c.key >= P("first"), attempt.c.key < P("end")))


@cache
def statements(dialect: Dialect) -> Statements:
    """Return the statements of a dialect, the same for all stores that share it."""
    return Statements(dialect)


def span(sequence: int) -> tuple[int, int]:
    """Return the first and the end (exclusive) of a job's attempt keys."""
    return sequence * _SPAN, (sequence + 1) * _SPAN
