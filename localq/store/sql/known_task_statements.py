"""The statements that find jobs by task."""

from __future__ import annotations

from sqlalchemy import bindparam, func, literal_column, null, select, update

from localq.model.job import JobState
from localq.store.sql.schema import job, state_is
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["KnownTaskStatements"]

P = bindparam


class KnownTaskStatements(StatementTable):
    """What finds jobs by task."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        ready, of_queue = state_is(JobState.READY), job.c.queue == P("of_queue")
        least = select(func.min(job.c.task)).where(ready, of_queue)
        self.next_task = self.made(least.where(job.c.task >= P("at")))
        self.task_behind = self.made(least.where(job.c.task > P("at")))
        self.front = self.made(
            select(job.c.key, job.c.priority, job.c.task)
            .where(ready, of_queue)
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        self.best_of_task = self.made(
            select(job.c.priority, job.c.key)
            .where(ready, of_queue, job.c.task == P("of_task"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        again = {"state": int(JobState.READY), "owner": null(), "attempts": job.c.attempts - literal_column("1")}
        self.put_back = self.made(update(job).where(job.c.key == P("k")).values(again))
