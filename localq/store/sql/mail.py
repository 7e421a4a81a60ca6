"""The verbs of control: letters to workers and their answers, and orders that hold until they are withdrawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, bindparam, delete, func, insert, literal_column, or_, select
from sqlalchemy.dialects import sqlite

from localq.model.job import JobState
from localq.model.orders import PAUSE, RATE, Letter, Mail, Order
from localq.model.worker import WorkerCard
from localq.store.sql.reading import ReadingVerbs
from localq.store.sql.schema import bucket, job, letter, reply, standing_order, state_is
from localq.store.sql.statement import Statement

__all__ = ["MailVerbs"]

P = bindparam


class _Statements:
    """The statements of this module, compiled when a dialect first needs them."""

    def __init__(self, dialect: Dialect) -> None:
        def made(clause: Any) -> Statement:
            return Statement(clause, dialect)

        names = ("command", "arguments", "destination", "wants_reply", "expires_at")
        self.send = made(insert(letter).values({name: P(name) for name in names}))
        self.drop_letters = made(delete(letter).where(letter.c.expires_at < P("now")))
        left = select(letter.c.key).where(letter.c.key == reply.c.letter)
        self.drop_replies = made(delete(reply).where(~left.exists()))
        self.last = made(select(func.max(letter.c.key)))
        named = select(func.json_each(letter.c.destination).table_valued("value").c.value).correlate(letter)
        self.take = made(
            select(letter.c.key, letter.c.command, letter.c.arguments, letter.c.wants_reply)
            .where(
                letter.c.key > P("place"),
                letter.c.expires_at >= P("now"),
                or_(letter.c.destination.is_(None), P("worker").in_(named.scalar_subquery())),
            )
            .order_by(letter.c.key)
        )
        answers = ("letter", "worker", "answer")
        self.answer = made(insert(reply).values({name: P(name) for name in answers}))
        self.answers = made(
            select(reply.c.worker, reply.c.answer).where(reply.c.letter == P("of_letter")).order_by(reply.c.key)
        )
        given = sqlite.insert(standing_order).values({c.name: P(c.name) for c in standing_order.columns})
        self.give = made(
            given.on_conflict_do_update(
                index_elements=["kind", "name"],
                set_={"value": given.excluded.value, "given_at": given.excluded.given_at},
            )
        )
        of_name = (standing_order.c.kind == P("of_kind"), standing_order.c.name == P("of_name"))
        self.withdraw = made(delete(standing_order).where(*of_name))
        self.has = made(select(literal_column("1")).select_from(standing_order).where(*of_name))
        self.drop_bucket = made(delete(bucket).where(bucket.c.task == P("of_task")))
        front = (
            select(job.c.key).where(state_is(JobState.READY), job.c.queue == P("of_queue")).limit(P("most")).subquery()
        )
        self.count_ready = made(select(func.count()).select_from(front))


@cache
def _statements(dialect: Dialect) -> _Statements:
    return _Statements(dialect)


class MailVerbs(ReadingVerbs):
    """How programs speak to workers; see `localq.store.protocol.store.Store`."""

    # Letters

    def send_control(
        self,
        command: str,
        arguments: str,
        destination: Sequence[str] | None,
        *,
        wants_reply: bool,
        expires_at: int,
        now: int,
    ) -> int:
        """Put a letter into the mailbox; see the protocol."""
        sql = _statements(self._dialect)
        to = None if destination is None else json.dumps(list(destination))
        with self._lock, self._writing as cursor:
            self._run(cursor, sql.drop_letters, now=now)
            self._run(cursor, sql.drop_replies)
            self._run(
                cursor,
                sql.send,
                command=command,
                arguments=arguments,
                destination=to,
                wants_reply=int(wants_reply),
                expires_at=expires_at,
            )
            return int(cursor.lastrowid)

    def take_control(self, worker: str, place: int | None, now: int) -> Mail:
        """Return a worker's letters; see the protocol."""
        sql = _statements(self._dialect)
        with self._lock, self._reading as cursor:
            last = int(self._run(cursor, sql.last).fetchone()[0] or 0)
            if place is None:
                return Mail([], last)
            if last <= place:
                return Mail([], place)
            rows = self._run(cursor, sql.take, place=place, now=now, worker=worker).fetchall()
        return Mail([Letter(key, command, said, bool(wants)) for key, command, said, wants in rows], last)

    def reply(self, key: int, worker: str, answer: str) -> None:
        """Answer a letter; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(cursor, _statements(self._dialect).answer, letter=key, worker=worker, answer=answer)

    def replies(self, key: int) -> list[tuple[str, str]]:
        """Return the answers to a letter; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, _statements(self._dialect).answers, of_letter=key).fetchall()
        return [(worker, answer) for worker, answer in rows]

    # Orders

    def order(self, orders: Sequence[Order], now: int) -> None:
        """Give or withdraw orders; see the protocol."""
        with self._lock, self._writing as cursor:
            for one in orders:
                self._set(cursor, one, now)

    def orders(self) -> list[Order]:
        """Return the orders that hold; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.orders).fetchall()
        return [Order._make(row) for row in rows]

    def pause(self, queues: Sequence[str], now: int) -> list[str]:
        """Stop the claiming of jobs from queues; see the protocol."""
        return self._switch(queues, "", now)

    def resume(self, queues: Sequence[str], now: int) -> list[str]:
        """Let jobs be claimed from paused queues again; see the protocol."""
        return self._switch(queues, None, now)

    def _switch(self, queues: Sequence[str], value: str | None, now: int) -> list[str]:
        sql = _statements(self._dialect)
        changed = []
        with self._lock, self._writing as cursor:
            for name in dict.fromkeys(queues):
                paused = self._run(cursor, sql.has, of_kind=PAUSE, of_name=name).fetchone() is not None
                if paused == (value is None):
                    self._set(cursor, Order(PAUSE, name, value), now)
                    changed.append(name)
        return changed

    def _set(self, cursor: Any, one: Order, now: int) -> None:
        sql = _statements(self._dialect)
        if one.value is None:
            self._run(cursor, sql.withdraw, of_kind=one.kind, of_name=one.name)
        else:
            self._run(cursor, sql.give, kind=one.kind, name=one.name, value=one.value, given_at=now)
        if one.kind == RATE:
            self._run(cursor, sql.drop_bucket, of_task=one.name)

    # What control asks of the jobs and workers

    def describe(self, worker: int, card: WorkerCard) -> None:
        """Replace what a worker says of itself; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(cursor, self._sql.describe, k=worker, card=json.dumps(card._asdict()))

    def backlog(self, queues: Sequence[str] | None, excluded: Sequence[str], most: int) -> int:
        """Return the number of READY jobs, up to `most`; see the protocol."""
        sql = _statements(self._dialect)
        with self._lock, self._reading as cursor:
            served = self._ready_queues(cursor) if queues is None else dict.fromkeys(queues)
            count = 0
            for name in served:
                if name not in excluded and count < most:
                    count += self._run(cursor, sql.count_ready, of_queue=name, most=most - count).fetchone()[0]
        return count
