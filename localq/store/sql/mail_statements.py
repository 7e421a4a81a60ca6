"""The statements about letters to workers, answers, and standing orders."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, or_, select

from localq.store.sql.schema import bucket, letter, reply, standing_order
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["MailStatements"]

P = bindparam


class MailStatements(StatementTable):
    """What is said to workers, and what they answer."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._letters()
        self._orders()

    def _letters(self) -> None:
        names = ("command", "arguments", "destination", "wants_reply", "expires_at", "token")
        self.post = self.made(self.words.insert_new(letter, names, ["token"]))
        self.posted = self.made(select(letter.c.key).where(letter.c.token == P("of_token")))
        self.drop_letters = self.made(delete(letter).where(letter.c.expires_at < P("now")))
        left = select(letter.c.key).where(letter.c.key == reply.c.letter)
        self.drop_replies = self.made(delete(reply).where(~left.exists()))
        self.last = self.made(select(func.max(letter.c.key)))
        self.take = self.made(
            select(letter.c.key, letter.c.command, letter.c.arguments, letter.c.wants_reply)
            .where(
                letter.c.key > P("place"),
                letter.c.expires_at >= P("now"),
                or_(letter.c.destination.is_(None), P("worker").in_(self.words.members(letter.c.destination))),
            )
            .order_by(letter.c.key)
        )
        answers = ("letter", "worker", "answer", "token")
        self.answer = self.made(self.words.insert_new(reply, answers, ["letter", "token"]))
        self.answers = self.made(
            select(reply.c.worker, reply.c.answer).where(reply.c.letter == P("of_letter")).order_by(reply.c.key)
        )

    def _orders(self) -> None:
        self.orders = self.made(
            select(standing_order.c.kind, standing_order.c.name, standing_order.c.value).order_by(
                standing_order.c.kind, standing_order.c.name
            )
        )
        self.given = self.made(
            select(standing_order.c.name, standing_order.c.given_at).where(standing_order.c.kind == P("of_kind"))
        )
        self.give = self.made(self.words.upsert(standing_order, ["kind", "name"]))
        of_name = (standing_order.c.kind == P("of_kind"), standing_order.c.name == P("of_name"))
        self.withdraw = self.made(delete(standing_order).where(*of_name))
        self.order = self.made(select(standing_order.c.value).where(*of_name))
        self.drop_bucket = self.made(delete(bucket).where(bucket.c.task == P("of_task")))
