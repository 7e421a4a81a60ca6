"""The statements about saved groups."""

from __future__ import annotations

from functools import cache

from sqlalchemy import bindparam, delete, select

from localq.store.sql.dialect import SqlDialect
from localq.store.sql.schema import saved_group
from localq.store.sql.statement import StatementTable

__all__ = ["GroupStatements", "group_statements"]

P = bindparam


class GroupStatements(StatementTable):
    """What is kept of groups."""

    def __init__(self, dialect: SqlDialect) -> None:
        super().__init__(dialect)
        self.save = self.made(dialect.upsert(saved_group, ["id"]))
        self.load = self.made(select(saved_group.c.content).where(saved_group.c.id == P("of_id")))
        self.drop = self.made(delete(saved_group).where(saved_group.c.id == P("of_id")))
        self.drop_old = self.made(delete(saved_group).where(saved_group.c.saved_at < P("before")))


@cache
def group_statements(dialect: SqlDialect) -> GroupStatements:
    """Return the statements of a dialect, the same for all stores that share it."""
    return GroupStatements(dialect)
