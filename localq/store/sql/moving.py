"""The verbs that carry what a store holds into another; see `localq.store.protocol.moving`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from localq.model import failpoints
from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.store.protocol.moving import Held, Portion, SavedGroup, Tied, WholeJob
from localq.store.sql.database import Database
from localq.store.sql.history import count_gone
from localq.store.sql.job_writer import attempt_row
from localq.store.sql.layout import ATTEMPT_BITS, INLINE_ARGS, span
from localq.store.sql.reading import attempt_of

__all__ = ["SqlMoving"]

#: Stands for a job that is not there.
_REMOVED = 0


class SqlMoving:
    """What goes from one store into another."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = database.dialect.texts.moving
        self._jobs = database.dialect.texts.job

    # Taking

    def take(self, held: Held, after: str | None, limit: int) -> Portion:
        """Return some of what there is; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            if held == Held.GROUPS:
                rows = self._sql.groups.run(cursor, after=after or "", most=limit).fetchall()
                groups = tuple(SavedGroup(name, bytes(content), at) for name, content, at in rows)
                return Portion(groups=groups, last=groups[-1].id if groups else None)
            place = int(after or _REMOVED)
            return self._take_jobs(cursor, place, limit) if held == Held.JOBS else self._ties(cursor, place, limit)

    def _take_jobs(self, cursor: Any, after: int, limit: int) -> Portion:
        jobs = [Job._make(row) for row in self._sql.jobs.run(cursor, after=after, most=limit).fetchall()]
        if not jobs:
            return Portion()
        first, last = jobs[0].key, jobs[-1].key
        long = dict(self._sql.payloads.run(cursor, first=first, last=last).fetchall())
        notes = dict(self._sql.notes.run(cursor, first=first, last=last).fetchall())
        attempts: dict[int, list[Attempt]] = defaultdict(list)
        for row in self._sql.attempts.run(cursor, first=span(first)[0], last=span(last)[1] - 1).fetchall():
            attempts[row[0] >> ATTEMPT_BITS].append(attempt_of(row))
        found = (
            WholeJob(
                one._replace(
                    args=long.get(one.key, b"") if one.args is None else one.args,
                    culprit=None if one.culprit is None else "",
                ),
                tuple(attempts[one.key]),
                notes.get(one.key),
            )
            for one in jobs
        )
        return Portion(tuple(found), last=str(last))

    def _ties(self, cursor: Any, after: int, limit: int) -> Portion:
        keys = [row[0] for row in self._sql.waiters.run(cursor, after=after, most=limit).fetchall()]
        if not keys:
            return Portion()
        rows = self._sql.ties.run(cursor, first=keys[0], last=keys[-1]).fetchall()
        ties = (_tied(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row[0]))
        return Portion(ties=tuple(ties), last=str(keys[-1]))

    # Putting

    def put(self, portion: Portion, now: int) -> int:
        """Write what another store held; see the protocol."""
        running = [one.job.id for one in portion.jobs if one.job.state == JobState.RUNNING]
        if running:
            raise ValueError(f"job {running[0]} is RUNNING; wait until it is over, then move it")
        with self._db.lock, self._db.writing as cursor:
            fresh = self._put_jobs(cursor, portion.jobs, now) if portion.jobs else 0
            for one in portion.groups:
                self._sql.put_group.run(cursor, **one._asdict())
                fresh += cursor.rowcount == 1
            self._put_ties(cursor, portion.ties)
            if portion.tallies:
                count_gone(cursor, self._db.dialect, portion.tallies)
            failpoints.point("move.inside")
        self._db.added(len(portion.jobs))
        return fresh

    def _put_jobs(self, cursor: Any, jobs: Sequence[WholeJob], now: int) -> int:
        put = self._sql.put_job
        hits = put.hits(cursor, [_row(one.job, put.names) for one in jobs])
        fresh = [one for one, is_new in zip(jobs, hits, strict=True) if is_new]
        keys = self._keys(cursor, (one.job.id for one in fresh))
        attempts = [attempt_row(keys[one.job.id], run) for one in fresh for run in one.attempts]
        if attempts:
            self._jobs.add_attempt.run(cursor, attempts)
        for one in fresh:
            if len(one.job.args or b"") > INLINE_ARGS:
                self._jobs.add_payload.run(cursor, of_id=one.job.id, args=one.job.args)
            if one.note is not None:
                self._jobs.add_note.run(cursor, job=keys[one.job.id], meta=one.note, noted_at=now)
        return len(fresh)

    def _put_ties(self, cursor: Any, ties: Sequence[Tied]) -> None:
        if not ties:
            return
        sql = self._sql
        names = {one.id for one in ties} | {tie.awaited for one in ties for tie in one.ties if tie.awaited is not None}
        keys = self._keys(cursor, names)
        for one in ties:
            key = keys.get(one.id)
            if key is None or sql.some_tie.run(cursor, k=key).fetchone() is not None:
                continue
            rows = [
                {
                    "waiter": key,
                    "position": tie.position,
                    "awaited": keys.get(tie.awaited or "", _REMOVED),
                    "passing": tie.passing,
                    "on_error": tie.on_error,
                }
                for tie in one.ties
            ]
            cursor.executemany(sql.put_tie.text, [sql.put_tie.values(row) for row in rows])
            if one.culprit:
                sql.blame.run(cursor, k=key, of_culprit=keys.get(one.culprit, _REMOVED))

    def _keys(self, cursor: Any, names: Iterable[str]) -> dict[str, int]:
        listed = self._db.dialect.bound(sorted(set(names)))
        return dict(self._sql.keys_of.run(cursor, names=listed).fetchall())


def _row(one: Job, names: Sequence[str]) -> tuple[Any, ...]:
    """Return the values of a job that is written as it is, by the names of the statement's parameters."""
    args = one.args or b""
    values = one._replace(
        owner=None,
        args=args if len(args) <= INLINE_ARGS else None,
        culprit=None if one.culprit is None else _REMOVED,  # type: ignore[arg-type] # a key, in the table
    )._asdict()
    return tuple([values[name] for name in names])


def _tied(rows: Sequence[Sequence[Any]]) -> Tied:
    """Return the edges of a waiter, which the rows are of."""
    _, name, key_of_culprit, *_ = rows[0]
    ties = tuple(Tie(name, *row[4:]) for row in rows)
    culprit = None if key_of_culprit is None else ""
    for _, _, _, awaited, _, awaited_id, *_ in rows:
        if culprit == "" and awaited == key_of_culprit and awaited_id is not None:
            culprit = awaited_id
    return Tied(name, ties, culprit)
