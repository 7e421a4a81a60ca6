"""The statements about what is remembered: tallies of finished jobs, and changes that people made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, delete, func, literal_column, select

from localq.store.sql.layout import ATTEMPT_BITS, LAST_ATTEMPT
from localq.store.sql.schema import attempt, change, job, tally
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["HistoryStatements"]

P = bindparam


def _ended() -> Select[Any]:
    """Return what is counted of jobs, with the last run of each."""
    span: Any = literal_column(str(1 << ATTEMPT_BITS))
    last: Any = literal_column(str(LAST_ATTEMPT))
    columns = (job.c.task, job.c.queue, job.c.state, job.c.finished_at, job.c.run_at)
    run = (attempt.c.started_at, attempt.c.ended_at)
    key = job.c.key * span + job.c.attempts
    return select(*columns, *run).select_from(
        job.outerjoin(attempt, (attempt.c.key == key) & (job.c.attempts <= last) & (job.c.attempts > 0))
    )


class HistoryStatements(StatementTable):
    """What is remembered."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self.ended = self.made(
            _ended().where(
                job.c.state == P("of_state"),
                job.c.queue == P("of_queue"),
                job.c.finished_at >= P("since"),
                job.c.finished_at < P("until"),
            )
        )
        self.going = self.made(_ended().where(job.c.key.in_(words.listed("keys")), job.c.finished_at.is_not(None)))
        self.tallies = self.made(
            select(*tally.columns).where(tally.c.at >= P("since"), tally.c.at < P("until")).order_by(tally.c.at)
        )
        one = (tally.c.at == P("at"), tally.c.task == P("task"), tally.c.queue == P("queue"))
        self.tally = self.made(select(*tally.columns).where(*one, tally.c.state == P("state")))
        self.keep = self.made(words.upsert(tally, ["at", "task", "queue", "state"]))
        self.drop_tallies = self.made(delete(tally).where(tally.c.at >= P("since"), tally.c.at < P("until")))
        # Those that do not stand at the beginning of a coarse step.
        fine = tally.c.at % P("step") != literal_column("0")
        self.fine = self.made(select(func.min(tally.c.at)).where(tally.c.at < P("before"), fine))
        columns = [column.name for column in change.columns if column.name != "key"]
        self.record = self.made(words.insert_new(change, columns, ["token"]))
        self.forget = self.made(delete(change).where(change.c.key <= P("up_to")))
        self.last_change = self.made(select(func.max(change.c.key)))
        before = change.c.key < P("before")
        latest = change.c.key.desc()
        told = [column for column in change.columns if column.name != "token"]
        self.changes = self.made(select(*told).where(before).order_by(latest).limit(P("most")))
        self.changes_to = self.made(
            select(*told).where(before, change.c.target == P("of_target")).order_by(latest).limit(P("most"))
        )
