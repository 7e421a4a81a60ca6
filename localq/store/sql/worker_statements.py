"""The statements about workers: who is entered, whose lease holds, and which jobs the dead left behind."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, literal_column, or_, select, update

from localq.model.job import JobState
from localq.store.sql.job_clauses import job_columns
from localq.store.sql.schema import job, state_is, worker
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["WorkerStatements"]

P = bindparam


class WorkerStatements(StatementTable):
    """What is kept of workers."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._entering()
        self._leaving()

    def _entering(self) -> None:
        self.enter = self.made(
            insert(worker)
            .values({name: P(name) for name in ("uuid", "boot_id", "card", "started_at", "seen_at", "lease_until")})
            .returning(worker.c.key)
        )
        self.known = self.made(
            select(worker.c.key).where(worker.c.uuid == P("of_uuid"), worker.c.gone == literal_column("0"))
        )
        self.beat = self.made(
            update(worker)
            .where(worker.c.key == P("k"), worker.c.gone == literal_column("0"))
            .values(seen_at=P("now"), lease_until=P("until"))
        )
        self.owned = self.made(
            select(job.c.id, job.c.run_token, job.c.cancel).where(
                job.c.owner == P("worker"), state_is(JobState.RUNNING)
            )
        )
        self.all = self.made(select(*worker.columns).order_by(worker.c.key))
        self.describe = self.made(update(worker).where(worker.c.key == P("k")).values(card=P("card")))

    def _leaving(self) -> None:
        self.leave = self.made(
            update(worker)
            .where(worker.c.key == P("k"), worker.c.gone == literal_column("0"))
            .values(gone=1, seen_at=P("now"))
        )
        owners = select(job.c.owner).where(state_is(JobState.RUNNING)).distinct().subquery()
        gone = (worker.c.key.is_(None), worker.c.gone != literal_column("0"))
        owned = select(owners.c.owner).select_from(owners.outerjoin(worker, worker.c.key == owners.c.owner))
        running = select(*job_columns(with_args=False)).where(state_is(JobState.RUNNING)).limit(P("most"))
        down = owned.where(or_(*gone, worker.c.boot_id != P("boot")))
        self.lost = self.made(running.where(job.c.owner.in_(down.scalar_subquery())))
        self.lost_anywhere = self.made(running.where(job.c.owner.in_(owned.where(or_(*gone)).scalar_subquery())))
        busy = select(job.c.owner).where(state_is(JobState.RUNNING))
        self.drop_gone = self.made(
            delete(worker).where(
                worker.c.gone != literal_column("0"),
                worker.c.seen_at < P("before"),
                worker.c.key.not_in(busy.scalar_subquery()),
            )
        )
