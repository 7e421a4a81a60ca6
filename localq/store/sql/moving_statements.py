"""The statements that carry rows from one store to another, compiled when a store first needs one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, literal_column, null, select, update

from localq.model.job import Job
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import attempt, edge, job, note, payload, saved_group
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["MovingStatements"]

P = bindparam
#: What is written of a job: all but its key.
_WRITTEN = Job._fields[1:]


class MovingStatements(StatementTable):
    """What takes rows, and puts them."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._taking()
        self._putting()

    def _taking(self) -> None:
        columns = job_columns(with_args=True)
        # The ties tell which job it is.
        columns[Job._fields.index("culprit")] = job.c.culprit
        self.jobs = self.made(select(*columns).where(job.c.key > P("after")).order_by(job.c.key).limit(P("most")))
        between: Any = (P("first"), P("last"))
        self.payloads = self.made(select(payload.c.job, payload.c.args).where(payload.c.job.between(*between)))
        self.notes = self.made(select(note.c.job, note.c.meta).where(note.c.job.between(*between)))
        rows = select(*attempt.columns).where(attempt.c.key.between(*between))
        self.attempts = self.made(rows.order_by(attempt.c.key))
        waiters = select(edge.c.waiter).where(edge.c.waiter > P("after")).group_by(edge.c.waiter)
        self.waiters = self.made(waiters.order_by(edge.c.waiter).limit(P("most")))
        waiter, awaited = job.alias("w"), job.alias("d")
        ends = edge.join(waiter, waiter.c.key == edge.c.waiter).outerjoin(awaited, awaited.c.key == edge.c.awaited)
        self.ties = self.made(
            select(
                waiter.c.key, waiter.c.id, waiter.c.culprit, edge.c.awaited,
                edge.c.position, awaited.c.id, edge.c.passing, edge.c.on_error,
            )
            .select_from(ends)
            .where(edge.c.waiter.between(*between))
            .order_by(edge.c.waiter, edge.c.position)
        )  # fmt: skip
        groups = select(*saved_group.columns).where(saved_group.c.id > P("after"))
        self.groups = self.made(groups.order_by(saved_group.c.id).limit(P("most")))

    def _putting(self) -> None:
        self.put_job = self.many(
            lambda given: self.words.insert_new(job, _WRITTEN, ["id"], given),
            {name: job.c[name].type for name in _WRITTEN},
            by=("id", job.c.id),
        )
        self.keys_of = self.made(select(job.c.id, job.c.key).where(job.c.id.in_(self.words.listed("names"))))
        names = [column.name for column in edge.columns]
        self.put_tie = self.made(self.words.insert_new(edge, names, ["waiter", "position"]))
        self.blame = self.made(
            update(job).where(job.c.key == P("k"), job.c.culprit.is_not(null())).values(culprit=P("of_culprit"))
        )
        every = [column.name for column in saved_group.columns]
        self.put_group = self.made(self.words.insert_new(saved_group, every, ["id"]))
        self.some_tie = self.made(select(literal_column("1")).where(edge.c.waiter == P("k")).limit(1))
