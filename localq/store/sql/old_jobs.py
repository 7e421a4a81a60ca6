"""Finding what is old enough to go: jobs long finished, workers long gone, groups saved long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localq.model.job import JobState
from localq.store.sql.database import Database

__all__ = ["OldJobs"]

#: Finished jobs of a state and queue that one look goes through.
_LOOKED_AT = 2000


class OldJobs:
    """Finds old jobs, and goes on where it ended."""

    def __init__(self, database: Database) -> None:
        self._db = database
        #: Where the next look begins, by the time jobs finished.
        self._looked_to = 0
        self._sql = database.dialect.texts.job

    def before(self, before: int, limit: int) -> list[int]:
        """Return keys of jobs that finished before a time and may go, from where the last look ended.

        Many jobs of unfinished workflows may stand in front: a look goes past some of them, the next past more.
        """
        keys: list[int] = []
        cut: list[int] = []
        with self._db.lock, self._db.reading as cursor:
            for state in (state for state in JobState if state.final):
                for queue in self._sql.next_done.run(cursor, of_state=int(state)):
                    found = self._sql.done_before.run(
                        cursor,
                        of_state=int(state),
                        of_queue=queue,
                        since=self._looked_to,
                        before=before,
                        most=_LOOKED_AT,
                    ).fetchall()
                    keys.extend(key for key, _, may_go in found if may_go)
                    if len(found) == _LOOKED_AT:
                        cut.append(found[-1][1])
        self._looked_to = max(self._looked_to + 1, min(cut)) if cut and len(keys) < limit else 0
        return keys[:limit]

    def still(self, cursor: Any, keys: Sequence[int], before: int) -> list[int]:
        """Return those of the keys that may still go; on the way drop workers and groups of before the time."""
        dialect = self._db.dialect
        rows = self._sql.still_done.run(cursor, keys=dialect.bound(keys), before=before).fetchall()
        dialect.texts.worker.drop_gone.run(cursor, before=before)
        dialect.texts.group.drop_old.run(cursor, before=before)
        return [row[0] for row in rows]
