"""The statements about saved groups."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from localq.store.sql.schema import saved_group
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["GroupStatements"]

P = bindparam


class GroupStatements(StatementTable):
    """What is kept of groups."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self.save = self.made(words.upsert(saved_group, ["id"]))
        self.load = self.made(select(saved_group.c.content).where(saved_group.c.id == P("of_id")))
        self.drop = self.made(delete(saved_group).where(saved_group.c.id == P("of_id")))
        self.drop_old = self.made(delete(saved_group).where(saved_group.c.saved_at < P("before")))
