"""The statements that write jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Executable,
    Text,
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
from sqlalchemy.types import TypeEngine

from localq.model.edges import Role
from localq.model.job import JobState
from localq.model.orders import PAUSE, RATE
from localq.store.sql.job_clauses import (
    FINAL,
    claimed_values,
    job_columns,
    kept_for_others,
    may_go,
    run_again,
    waiting_columns,
)
from localq.store.sql.layout import ADDED, KEPT, TAKEN
from localq.store.sql.schema import attempt, is_parked, is_timed, job, note, payload, standing_order, state_is, worker
from localq.store.sql.statement import ManyRows
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import Given, SqlWords

__all__ = ["JobStatements"]

P = bindparam


def _outlook(words: SqlWords) -> Executable:
    """Return what a live worker must know before it claims: what else may have to be done, and when.

    Whether anything may keep a claim from taking what is ready, when the next job is due, whether any cannot run
    because of others, and the queues that have ready jobs: a list and NULL, or the first and the last of them.
    No row: the worker was taken for dead.
    """
    braked = or_(
        exists().where(standing_order.c.kind.in_([literal_column(f"'{PAUSE}'"), literal_column(f"'{RATE}'")])),
        exists().where(is_parked()),
    )
    due = select(func.min(job.c.run_at)).where(is_timed())
    stuck: Any = (
        select(literal_column("1")).where(state_is(JobState.WAITING), job.c.waits == literal_column("0")).limit(1)
    )
    ready = words.outermost(job.c.queue, [state_is(JobState.READY)])
    return select(braked, due.scalar_subquery(), stuck.scalar_subquery(), *ready).where(
        worker.c.key == bindparam("k"), worker.c.gone == literal_column("0")
    )


#: What is said of a job that ends, in this order: first, what mostly differs from job to job.
FINISH: dict[str, TypeEngine[Any]] = {
    "k": BigInteger(),
    "of_id": Text(),
    "token": BigInteger(),
    "at": BigInteger(),
    "worker": BigInteger(),
    "to_state": BigInteger(),
    "now": BigInteger(),
    "to_retries": BigInteger(),
    "to_crashes": BigInteger(),
    "to_shown": Text(),
    "uncharged": BigInteger(),
    "as_role": BigInteger(),
}
#: How many of these, and of ADDED and KEPT, differ.
_FINISH_OWN, _ADDED_OWN, _KEPT_OWN = 4, 2, 5
#: What a claim counts up.
_COUNTED = ("run_token", "attempts")
#: What is said of a job that is to run at once, by a call without options.
_AT_ONCE = ("id", "task", "queue", "priority", "state", "run_at", "created_at", "args")


def finish(given: Given) -> Executable:
    """Return what ends the run of a job that is held; see FINISH."""
    held = and_(
        job.c.key == given("k"),
        job.c.id == given("of_id"),
        job.c.run_token == given("token"),
        job.c.owner == given("worker"),
        # Something began to wait for the job after it was claimed: then its end must be counted down.
        job.c.role == given("as_role"),
        # Found by its key, and by nothing else: not a condition that an index of running jobs has.
        job.c.state + literal_column("0") == literal_column(str(int(JobState.RUNNING))),
    )
    wanted = given("to_state")
    cancelled = and_(job.c.cancel > literal_column("0"), wanted < FINAL)
    return (
        update(job)
        .where(held)
        .values(
            state=case((cancelled, literal_column(str(int(JobState.CANCELLED)))), else_=wanted),
            # Of a job that runs there is none yet.
            finished_at=case((or_(cancelled, wanted >= FINAL), given("now")), else_=job.c.finished_at),
            owner=null(),
            run_at=given("at"),
            retries=given("to_retries"),
            crashes=given("to_crashes"),
            shown=case((cancelled, null()), else_=given("to_shown")),
            attempts=job.c.attempts - given("uncharged"),
        )
    )


class JobStatements(StatementTable):
    """What adds, claims, finishes, changes and removes jobs."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._adding()
        self._claiming()
        self._finishing()
        self._changing()
        self._pruning()
        self._dropping()

    def _adding(self) -> None:
        self.add_job = self._added(ADDED)
        self.add_member = self._added((*ADDED, "waits", "role", "workflow"))
        self.add_plain = self.made(self.words.insert_new(job, _AT_ONCE, ["id"]))
        self.by_id = self.made(select(*job_columns(with_args=False)).where(job.c.id == P("of_id")))
        self.standing = self.made(
            self.words.locked(select(job.c.key, job.c.state, job.c.role).where(job.c.id == P("of_id")))
        )
        self.place_of = self.made(select(job.c.key, job.c.role).where(job.c.id == P("of_id")))
        self.add_payload = self.made(
            insert(payload).from_select(["job", "args"], select(job.c.key, P("args")).where(job.c.id == P("of_id")))
        )

    def _added(self, names: tuple[str, ...]) -> ManyRows:
        kinds = {name: job.c[name].type for name in names}
        return self.many(
            lambda given: self.words.insert_new(job, names, ["id"], given), kinds, by=("id", job.c.id), own=_ADDED_OWN
        )

    def _claiming(self) -> None:
        ready = state_is(JobState.READY)
        due = (
            select(job.c.key)
            .where(state_is(JobState.SCHEDULED), job.c.run_at <= P("now"))
            .order_by(job.c.run_at)
            .limit(P("most"))
        )
        self.outlook = self.made(_outlook(self.words))
        self.promote = self.made(update(job).where(self.words.chosen(job.c.key, due)).values(state=int(JobState.READY)))
        in_queue = and_(is_timed(), job.c.queue == P("of_queue"))
        self.first_due = self.made(select(func.min(job.c.run_at)).where(in_queue))
        due_there = select(job.c.key).where(in_queue, job.c.run_at <= P("now")).order_by(job.c.run_at).limit(P("most"))
        self.promote_queue = self.made(
            update(job).where(self.words.chosen(job.c.key, due_there)).values(state=int(JobState.READY))
        )
        self.next_due_queue = self.different(job.c.queue, is_timed())
        self.next_queue = self.different(job.c.queue, ready)
        best = (
            select(job.c.key)
            .where(ready, job.c.queue == P("of_queue"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        self.best_of_queue = self.made(best.add_columns(job.c.priority))
        taken = claimed_values()
        back = [job.c[name] for name in TAKEN]
        self.claim_queue = self.made(
            update(job).where(self.words.chosen(job.c.key, best)).values(taken).returning(*back)
        )
        # Where nobody else writes: SQLite keeps what an update returns beside, with all that there was before.
        read: dict[str, Any] = {name: job.c[name] for name in TAKEN} | {name: taken[name] for name in _COUNTED}
        self.front_of_queue = self.made(best.with_only_columns(*read.values()))
        self.take_front = self.made(update(job).where(self.words.chosen(job.c.key, best)).values(taken))
        listed = self.words.listed("keys")
        these = and_(ready, job.c.key.in_(listed))
        free = select(job.c.key).where(these).order_by(job.c.priority.desc(), job.c.key).limit(P("most"))
        self.claim_keys = self.made(
            update(job).where(self.words.free(these, job.c.key, free)).values(taken).returning(*back)
        )
        front = (
            select(job.c.key).where(state_is(JobState.READY), job.c.queue == P("of_queue")).limit(P("most")).subquery()
        )
        self.count_ready = self.made(select(func.count()).select_from(front))
        self.payload = self.made(select(payload.c.args).where(payload.c.job == P("job")))

    def _finishing(self) -> None:
        self.finish = self.many(finish, FINISH, by=("k", job.c.key), own=_FINISH_OWN)
        kept = {f"kept_{name}": attempt.c[name].type for name in KEPT}
        self.finish_whole = self.many(self._whole, FINISH | kept, by=("k", job.c.key), whole=True)
        self.new_call = self.made(
            update(job).where(job.c.key == P("k")).values(args=P("new_args"), options=P("new_options"))
        )
        self.new_place = self.made(
            update(job)
            .where(job.c.key == P("k"))
            .values(
                queue=func.coalesce(P("new_queue"), job.c.queue),
                priority=func.coalesce(P("new_priority"), job.c.priority),
            )
        )
        self.whole_call = self.made(
            update(job).where(job.c.key == P("k")).values(role=job.c.role.op("&")(literal_column(str(Role.AWAITED))))
        )
        self.add_attempt = self.many(
            lambda given: self.words.upsert(attempt, ["key"], given=given),
            {name: attempt.c[name].type for name in KEPT},
            by=("key", attempt.c.key),
            own=_KEPT_OWN,
        )
        unfinished = job.c.state < FINAL
        self.note_shown = self.made(
            update(job)
            .where(job.c.id == P("of_id"), unfinished)
            .values(shown=func.coalesce(P("to_shown"), job.c.shown))
            .returning(job.c.key)
        )
        self.add_note = self.made(self.words.upsert(note, ["job"]))

    def _whole(self, given: Given) -> Executable:
        """Return what ends the runs of jobs that are held and keeps their attempts, by one statement."""
        ended: Any = finish(given)
        held = ended.returning(job.c.key).cte("held")
        kept: Any = self.words.upsert(
            attempt,
            ["key"],
            given=lambda name: given(f"kept_{name}"),
            where=[held.c.key == given("k"), given("kept_key").is_not(None)],
        )
        return select(held.c.key).add_cte(kept.cte("kept"))

    def _changing(self) -> None:
        self.cancel_waiting = self.made(
            update(job)
            .where(job.c.key == P("k"), job.c.state < literal_column(str(int(JobState.RUNNING))))
            .values(state=int(JobState.CANCELLED), finished_at=P("now"), cancel=P("signal"), shown=null())
        )
        self.flag = self.made(
            update(job)
            .where(job.c.key == P("k"), state_is(JobState.RUNNING))
            .values(
                cancel=case(
                    (or_(P("signal") > literal_column("1"), job.c.cancel == literal_column("0")), P("signal")),
                    else_=job.c.cancel,
                )
            )
        )
        self.requeue = self.made(
            run_again(job.c.id == P("of_id")).returning(job.c.key, job.c.id, job.c.role, job.c.workflow)
        )

    def _pruning(self) -> None:
        self.next_done = self.different(job.c.queue, job.c.finished_at.is_not(None), job.c.state == P("of_state"))
        self.done_before = self.made(
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
        listed = self.words.listed("keys")
        self.still_done = self.made(
            select(job.c.key).where(
                job.c.key.in_(listed),
                job.c.finished_at < P("before"),
                may_go(P("before")),
                ~kept_for_others(),
            )
        )

    def _dropping(self) -> None:
        self.waiting_keys = self.made(waiting_columns(job.c.key).limit(P("most")))
        in_queues = waiting_columns(job.c.key, queues=self.words.listed("names"))
        self.waiting_keys_in = self.made(in_queues.limit(P("most")))
        self.final_key = self.made(
            select(job.c.key).where(job.c.id == P("of_id"), job.c.state >= FINAL, ~kept_for_others())
        )
        self.drop_job = self.made(delete(job).where(job.c.key == P("k")))
        self.drop_payload = self.made(delete(payload).where(payload.c.job == P("k")))
        self.drop_note = self.made(delete(note).where(note.c.job == P("k")))
        self.drop_attempts = self.made(delete(attempt).where(attempt.c.key >= P("first"), attempt.c.key < P("end")))
