"""The verbs about what is remembered; see `localq.store.protocol.history`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localq.model.audit import Change, ChangeRow
from localq.model.job import JobState
from localq.model.tally import COARSE_US, FINE_US, Tally, added_up, tallied
from localq.store.protocol.history import CHANGES_KEPT, TALLIES_KEPT_US
from localq.store.sql.compiled import HistoryTexts
from localq.store.sql.database import Database
from localq.store.sql.dialect import SqlDialect

__all__ = ["SqlHistory", "count_gone", "remember"]

#: Tallies older than this (two days) are kept in coarse steps.
_FINE_KEPT_US = 2 * 86_400 * 1_000_000
#: Where a list of changes begins.
_NEWEST = (1 << 62) - 1


class SqlHistory:
    """Counts over time, and the book of changes."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = database.dialect.texts.history

    def finished(self, since: int, until: int, step_us: int) -> list[Tally]:
        """Return how many jobs finished in each step; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = list(self._ended(cursor, since, until))
            old = self._sql.tallies.run(cursor, since=since, until=until).fetchall()
        # What is counted takes as long again, in which no log could be written back.
        there, gone = tallied(rows, step_us), [_tally(row) for row in old]
        # Nothing is added up where nothing was removed: there may be many.
        return added_up([*there, *gone], step_us) if gone else there

    def _ended(self, cursor: Any, since: int, until: int) -> Iterator[Sequence[Any]]:
        jobs = self._db.dialect.texts.job
        for state in (state for state in JobState if state.final):
            for queue in jobs.next_done.run(cursor, of_state=int(state)):
                rows = self._sql.ended.run(cursor, of_state=int(state), of_queue=queue, since=since, until=until)
                yield from rows.fetchall()

    def record(self, changes: Sequence[Change], now: int, token: str) -> None:
        """Write down changes; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            for number, one in enumerate(changes):
                self._sql.record.run(cursor, at=now, token=f"{token}-{number}", **one._asdict())
            newest = self._sql.last_change.run(cursor).fetchone()[0] or 0
            self._sql.forget.run(cursor, up_to=newest - CHANGES_KEPT)

    def changes(self, limit: int, before: int | None = None, target: str | None = None) -> list[ChangeRow]:
        """Return changes, latest first; see the protocol."""
        start = _NEWEST if before is None else before
        with self._db.lock, self._db.reading as cursor:
            if target is None:
                rows = self._sql.changes.run(cursor, before=start, most=limit).fetchall()
            else:
                rows = self._sql.changes_to.run(cursor, before=start, most=limit, of_target=target).fetchall()
        return [ChangeRow(row[0], row[1], Change._make(row[2:])) for row in rows]


def remember(cursor: Any, dialect: SqlDialect, keys: Sequence[int]) -> None:
    """Count finished jobs that are about to go, within the transaction that removes them."""
    sql = dialect.texts.history
    rows = sql.going.run(cursor, keys=dialect.bound(keys)).fetchall()
    fresh = tallied(rows, FINE_US)
    if not fresh:
        return
    _add(cursor, sql, fresh, FINE_US)
    newest = fresh[-1].at
    _coarsen(cursor, sql, newest)
    sql.drop_tallies.run(cursor, since=0, until=newest - TALLIES_KEPT_US)


def count_gone(cursor: Any, dialect: SqlDialect, tallies: Sequence[Tally]) -> None:
    """Count finished jobs that were never here, by the steps they were counted in."""
    _add(cursor, dialect.texts.history, added_up(tallies, FINE_US), FINE_US)


def _add(cursor: Any, sql: HistoryTexts, fresh: Sequence[Tally], step_us: int) -> None:
    for one in fresh:
        row = sql.tally.run(cursor, at=one.at, task=one.task, queue=one.queue, state=one.state).fetchone()
        both = one if row is None else added_up([one, _tally(row)], step_us)[0]
        values = both._asdict() | {"runs": _written(both.runs), "waits": _written(both.waits)}
        sql.keep.run(cursor, **values)


def _coarsen(cursor: Any, sql: HistoryTexts, newest: int) -> None:
    """Add up the oldest fine tallies, an hour's at a time: as fast as new ones come."""
    until = (newest - _FINE_KEPT_US) // COARSE_US * COARSE_US
    rows = sql.fine.run(cursor, before=until, step=COARSE_US).fetchone()
    if rows[0] is None:
        return
    hour = rows[0] // COARSE_US * COARSE_US
    found = [_tally(row) for row in sql.tallies.run(cursor, since=hour, until=hour + COARSE_US).fetchall()]
    sql.drop_tallies.run(cursor, since=hour, until=hour + COARSE_US)
    _add(cursor, sql, added_up(found, COARSE_US), COARSE_US)


def _tally(row: Sequence[Any]) -> Tally:
    at, task, queue, state, count, run_us, runs, waits = row
    return Tally(at, task, queue, state, count, run_us, _read(runs), _read(waits))


def _written(sizes: Mapping[int, int]) -> str:
    return json.dumps(sizes, separators=(",", ":"))


def _read(text: str) -> dict[int, int]:
    return {int(size): count for size, count in json.loads(text).items()}
