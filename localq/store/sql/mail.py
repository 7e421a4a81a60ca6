"""The verbs about letters to workers and standing orders; see `localq.store.protocol.mail`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from localq.model.orders import MAIL, RATE, Letter, Mail, Order, answer_word
from localq.store.protocol.bells import ORDERS, Bells, Topic
from localq.store.sql.compiled import MailTexts
from localq.store.sql.database import Database

__all__ = ["SqlMail"]


class SqlMail:
    """How programs speak to workers."""

    def __init__(self, database: Database, bells: Bells) -> None:
        self._db, self._bells = database, bells
        self._sql = database.dialect.texts.mail

    # Letters

    def post(
        self,
        command: str,
        arguments: str,
        destination: Sequence[str] | None,
        *,
        wants_reply: bool,
        expires_at: int,
        now: int,
        token: str,
    ) -> int:
        """Put a letter into the mailbox; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            self._sql.drop_letters.run(cursor, now=now)
            self._sql.drop_replies.run(cursor)
            self._sql.post.run(
                cursor,
                command=command,
                arguments=arguments,
                destination=None if destination is None else json.dumps(list(destination)),
                wants_reply=int(wants_reply),
                expires_at=expires_at,
                token=token,
            )
            key = int(self._sql.posted.run(cursor, of_token=token).fetchone()[0])
        self._bells.ring(Topic.WORK, (MAIL,))
        return key

    def take(self, worker: str, place: int | None, now: int) -> Mail:
        """Return a worker's letters; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            last = int(self._sql.last.run(cursor).fetchone()[0] or 0)
            if place is None:
                return Mail([], last)
            if last <= place:
                return Mail([], place)
            rows = self._sql.take.run(cursor, place=place, now=now, worker=worker).fetchall()
        return Mail([Letter(key, command, said, bool(wants)) for key, command, said, wants in rows], last)

    def answer(self, key: int, worker: str, answer: str, token: str) -> None:
        """Answer a letter; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            self._sql.answer.run(cursor, letter=key, worker=worker, answer=answer, token=token)
        self._bells.ring(Topic.RESULTS, (answer_word(key),))

    def answers(self, key: int) -> list[tuple[str, str]]:
        """Return the answers to a letter; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.answers.run(cursor, of_letter=key).fetchall()
        return [(worker, answer) for worker, answer in rows]

    # Orders

    def order(self, orders: Sequence[Order], now: int) -> list[Order]:
        """Give or withdraw orders; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            changed = [one for one in orders if self._set(cursor, one, now)]
        self._bells.ring(Topic.WORK, (ORDERS,))
        return changed

    def orders(self) -> list[Order]:
        """Return the orders that hold; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return standing_orders(cursor, self._sql)

    def ordered_at(self, kind: str) -> dict[str, int]:
        """Return since when orders hold; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return {name: int(at) for name, at in self._sql.given.run(cursor, of_kind=kind).fetchall()}

    def _set(self, cursor: Any, one: Order, now: int) -> bool:
        """Write an order; return whether anything else held before."""
        sql = self._sql
        found = sql.order.run(cursor, of_kind=one.kind, of_name=one.name).fetchone()
        if one.value is None:
            sql.withdraw.run(cursor, of_kind=one.kind, of_name=one.name)
        elif found is None or found[0] != one.value:
            sql.give.run(cursor, kind=one.kind, name=one.name, value=one.value, given_at=now)
        if one.kind == RATE:
            sql.drop_bucket.run(cursor, of_task=one.name)
        return one.value != (None if found is None else found[0])


def standing_orders(cursor: Any, sql: MailTexts) -> list[Order]:
    """Return the orders that hold, by kind and name."""
    return [Order._make(row) for row in sql.orders.run(cursor).fetchall()]
