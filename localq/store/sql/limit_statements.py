"""The statements that park jobs over their task's rate limit, and let them out."""

from __future__ import annotations

from sqlalchemy import bindparam, literal_column, null, select, update

from localq.model.job import JobState
from localq.model.orders import PARKED_AT
from localq.store.sql.schema import bucket, is_parked, job, state_is
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["LimitStatements"]

P = bindparam


class LimitStatements(StatementTable):
    """What parks jobs and lets them out."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._parking()
        self.full_at = self.made(select(bucket.c.full_at).where(bucket.c.task == P("of_task")))
        self.keep = self.made(words.upsert(bucket, ["task"]))

    def _parking(self) -> None:
        self.next_queue = self.different(job.c.queue, is_parked())
        self.next_task = self.different(job.c.task, is_parked(), job.c.queue == P("of_queue"))
        best = (
            select(job.c.key)
            .where(is_parked(), job.c.queue == P("of_queue"), job.c.task == P("of_task"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        self.let_out = self.made(
            update(job).where(job.c.key.in_(best.scalar_subquery())).values(state=int(JobState.READY), run_at=P("now"))
        )
        front = (
            select(job.c.key, job.c.task)
            .where(state_is(JobState.READY), job.c.queue == P("of_queue"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
            .subquery()
        )
        over = select(front.c.key).where(front.c.task.in_(self.words.listed("tasks")))
        parked = {"state": int(JobState.SCHEDULED), "run_at": PARKED_AT}
        self.park = self.made(update(job).where(job.c.key.in_(over.scalar_subquery())).values(parked))
        self.put_back = self.made(
            update(job)
            .where(job.c.key == P("k"))
            .values({**parked, "owner": null(), "attempts": job.c.attempts - literal_column("1")})
        )
