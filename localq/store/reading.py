"""The verbs that only read: jobs, their results and attempts, and counts of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from localq.job import Attempt, Job, JobState
from localq.store.base import Filter
from localq.store.database import Database
from localq.store.schema import LAST_ATTEMPT, job
from localq.store.statements import Statement, job_columns, span

__all__ = ["ReadingVerbs"]


class ReadingVerbs(Database):
    """What there is to know of jobs; see `localq.store.base.Store`."""

    def get(self, ids: Sequence[str]) -> dict[str, Job]:
        """Return known jobs without arguments; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = [self._run(cursor, self._sql.by_id, of_id=job_id).fetchone() for job_id in ids]
        return {row[1]: Job._make(row) for row in rows if row is not None}

    def call(self, job_id: str) -> Job | None:
        """Return one job with its arguments; see the protocol."""
        with self._lock, self._reading as cursor:
            row = self._run(cursor, self._sql.call, of_id=job_id).fetchone()
            return None if row is None else self._with_args(cursor, Job._make(row))

    def results(self, ids: Sequence[str]) -> dict[str, tuple[Job, Attempt | None, bytes | None]]:
        """Return known jobs with their last attempts and notes; see the protocol."""
        sql = self._sql
        found: dict[str, tuple[Job, Attempt | None, bytes | None]] = {}
        with self._lock, self._reading as cursor:
            for job_id in ids:
                row = cursor.execute(sql.by_id.text, (job_id,)).fetchone()
                if row is None:
                    continue
                one = Job._make(row)
                last = noted = None
                if one.attempts:
                    first, end = span(one.key)
                    kept = self._run(cursor, sql.last_attempt, first=first, end=end).fetchone()
                    last = None if kept is None else _attempt(kept)
                if one.shown is not None or one.state == JobState.RUNNING:
                    word = self._run(cursor, sql.note, job=one.key).fetchone()
                    noted = None if word is None else word[0]
                found[job_id] = (one, last, noted)
        return found

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return every attempt of a job; see the protocol."""
        with self._lock, self._reading as cursor:
            row = self._run(cursor, self._sql.by_id, of_id=job_id).fetchone()
            if row is None:
                return []
            first, end = span(row[0])
            rows = self._run(cursor, self._sql.attempts, first=first, end=end).fetchall()
        return [_attempt(kept) for kept in rows]

    def find(self, which: Filter, limit: int) -> list[Job]:
        """Return jobs, newest first; see the protocol."""
        clause = select(*job_columns(with_args=False)).order_by(job.c.key.desc()).limit(limit)
        if which.states is not None:
            clause = clause.where(job.c.state.in_([int(state) for state in which.states]))
        if which.tasks is not None:
            clause = clause.where(job.c.task.in_(list(which.tasks)))
        if which.queues is not None:
            clause = clause.where(job.c.queue.in_(list(which.queues)))
        if which.shown is not None:
            clause = clause.where(job.c.shown == which.shown)
        if which.id_prefix is not None:
            clause = clause.where(job.c.id >= which.id_prefix, job.c.id < which.id_prefix + "\U0010ffff")
        if which.before is not None:
            clause = clause.where(job.c.key < which.before)
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, Statement(clause, self._dialect)).fetchall()
        return [Job._make(row) for row in rows]

    def stats(self) -> dict[tuple[str, JobState], int]:
        """Return counts by queue and state; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.stats).fetchall()
        return {(queue, JobState(state)): count for queue, state, count in rows}

    def oldest_ready(self) -> int | None:
        """Return the earliest `run_at` of READY jobs; see the protocol."""
        with self._lock, self._reading as cursor:
            found: int | None = self._run(cursor, self._sql.oldest_ready).fetchone()[0]
        return found

    def tasks_waiting(self) -> dict[tuple[str, str], int]:
        """Return counts of waiting jobs by queue and task; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.waiting).fetchall()
        return {(queue, task): count for queue, task, count in rows}

    def _with_args(self, cursor: Any, one: Job) -> Job:
        if one.args is not None:
            return one
        found = self._run(cursor, self._sql.payload, job=one.key).fetchone()
        return one._replace(args=found[0] if found else b"")


def _attempt(row: Sequence[Any]) -> Attempt:
    key, *rest = row
    return Attempt(key & LAST_ATTEMPT, *rest)
