"""The verbs about saved groups; see `localq.store.protocol.groups`."""

from __future__ import annotations

from localq.store.sql.database import Database

__all__ = ["SqlGroups"]


class SqlGroups:
    """Groups that were saved."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = database.dialect.texts.group

    def save(self, group_id: str, content: bytes | None, now: int) -> None:
        """Keep what a group consists of, or drop it; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            if content is None:
                self._sql.drop.run(cursor, of_id=group_id)
            else:
                self._sql.save.run(cursor, id=group_id, content=content, saved_at=now)

    def load(self, group_id: str) -> bytes | None:
        """Return what `save` kept; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            row = self._sql.load.run(cursor, of_id=group_id).fetchone()
        return None if row is None else row[0]
