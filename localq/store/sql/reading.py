"""The verbs that only read jobs; see `localq.store.protocol.reading`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from localq.model.edges import Input, Tie
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.store.protocol.reading import LINE, LOOK, Filter, Inputs, Page, Seen, Stats
from localq.store.sql.claiming import due_queues, first_due, ready_queues, with_args
from localq.store.sql.database import Database
from localq.store.sql.found_jobs import page
from localq.store.sql.layout import LAST_ATTEMPT, span
from localq.store.sql.statement import Statement

__all__ = ["SqlReading", "attempt_of"]

#: Every priority a job can have.
_PRIORITIES = range(10)
#: Ids from which on they are looked up together: for fewer, one after another is as fast.
_MANY = 8
_ID = Job._fields.index("id")
#: In the row of a job that is seen: where the last attempt begins.
_JOB_ENDS = len(Job._fields)
#: A limit that none reaches.
_ALL = (1 << 62) - 1


class SqlReading:
    """What there is to know of jobs."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = database.dialect.texts.read
        self._jobs = database.dialect.texts.job

    def get(self, ids: Sequence[str], args: bool = False) -> dict[str, Job]:
        """Return known jobs; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._rows(cursor, ids, self._sql.calls if args else self._sql.by_ids, args)
            jobs = [Job._make(row) for row in rows]
            if args:
                jobs = [with_args(cursor, self._jobs, one) for one in jobs]
        return {one.id: one for one in jobs}

    def _rows(self, cursor: Any, ids: Sequence[str], many: Statement, args: bool) -> list[Any]:
        """Return the rows of known jobs, in the order of the ids."""
        if len(ids) < _MANY:
            one = self._sql.call if args else self._jobs.by_id
            rows = (one.run(cursor, of_id=job_id).fetchone() for job_id in ids)
            return [row for row in rows if row is not None]
        found = {row[_ID]: row for row in many.run(cursor, names=self._db.dialect.bound(ids)).fetchall()}
        return [found[job_id] for job_id in ids if job_id in found]

    def seen(self, ids: Sequence[str]) -> dict[str, Seen]:
        """Return known jobs with their last attempts and notes; see the protocol."""
        if len(ids) == 1:
            row = self._db.read_one(self._sql.seen_one.text, (ids[0],))
            return {} if row is None else {ids[0]: _seen(row)}
        with self._db.lock, self._db.reading as cursor:
            if len(ids) < _MANY:
                rows = [cursor.execute(self._sql.seen_one.text, (job_id,)).fetchone() for job_id in ids]
            else:
                rows = self._sql.seen.run(cursor, names=self._db.dialect.bound(ids)).fetchall()
        found = {row[_ID]: _seen(row) for row in rows if row is not None}
        return {job_id: found[job_id] for job_id in ids if job_id in found}

    def _last_attempt(self, cursor: Any, key: int) -> Attempt | None:
        first, end = span(key)
        kept = self._sql.last_attempt.run(cursor, first=first, end=end).fetchone()
        return None if kept is None else attempt_of(kept)

    def notes(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return what jobs said last; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return dict(self._sql.notes_of.run(cursor, names=self._db.dialect.bound(ids)).fetchall())

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return every attempt of a job; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            row = self._jobs.by_id.run(cursor, of_id=job_id).fetchone()
            if row is None:
                return []
            first, end = span(row[0])
            rows = self._sql.attempts.run(cursor, first=first, end=end).fetchall()
        return [attempt_of(kept) for kept in rows]

    def find(self, which: Filter, limit: int, look: int = LOOK) -> Page:
        """Return a page of jobs, newest first; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return page(cursor, self._db.dialect, which, limit, look)

    def starting(self, prefix: str, limit: int) -> list[Job]:
        """Return jobs whose ids start so; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.starting.run(cursor, prefix=prefix, end=f"{prefix}\U0010ffff", most=limit).fetchall()
        return [Job._make(row) for row in rows]

    def family(self, workflow: str, most: int | None = None) -> tuple[list[Job], list[Tie]]:
        """Return a workflow's jobs and edges; see the protocol."""
        limit = _ALL if most is None else most
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.family.run(cursor, of_workflow=workflow, most=limit).fetchall()
            if most is None:
                edges = self._sql.ties.run(cursor, of_workflow=workflow).fetchall()
            else:
                edges = self._sql.ties_among.run(cursor, keys=self._db.dialect.bound(row[0] for row in rows)).fetchall()
        return [Job._make(row) for row in rows], [Tie._make(row) for row in edges]

    def awaited(self, job_id: str, most: int) -> list[Job]:
        """Return jobs that one waits for; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            row = self._jobs.by_id.run(cursor, of_id=job_id).fetchone()
            rows = [] if row is None else self._sql.awaited.run(cursor, k=row[0], most=most).fetchall()
        return [Job._make(row) for row in rows]

    def inputs(self, ids: Sequence[str]) -> dict[str, Inputs]:
        """Return what jobs get of those they waited for; see the protocol."""
        found: dict[str, Inputs] = {}
        with self._db.lock, self._db.reading as cursor:
            for job_id in ids:
                row = self._jobs.by_id.run(cursor, of_id=job_id).fetchone()
                if row is not None:
                    found[job_id] = self._inputs(cursor, Job._make(row))
        return found

    def _inputs(self, cursor: Any, one: Job) -> Inputs:
        rows = self._sql.inputs.run(cursor, k=one.key).fetchall()
        culprit = None
        if one.culprit is not None:
            row = self._jobs.by_id.run(cursor, of_id=one.culprit).fetchone()
            if row is not None:
                culprit = Seen(Job._make(row), self._last_attempt(cursor, row[0]), None)
        return Inputs([Input._make(row) for row in rows], culprit)

    def ahead(self, job_id: str, most: int) -> int:
        """Return how many jobs come before one; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            row = self._jobs.by_id.run(cursor, of_id=job_id).fetchone()
            one = None if row is None else Job._make(row)
            if one is None or one.state != JobState.READY:
                return 0
            found = self._sql.ahead.run(cursor, of_queue=one.queue, rank=one.priority, k=one.key, most=most).fetchone()
        return int(found[0])

    def stranded(self, limit: int) -> list[Job]:
        """Return jobs that nothing will let go; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return [Job._make(row) for row in self._sql.stranded.run(cursor, most=limit).fetchall()]

    def stats(self, finished: bool = True) -> Stats:
        """Return counts, and since when queues wait; see the protocol."""
        since: dict[str, int] = {}
        in_front: Counter[tuple[str, str]] = Counter()
        with self._db.lock, self._db.reading as cursor:
            rows = (self._sql.stats if finished else self._sql.open_stats).run(cursor).fetchall()
            for queue in ready_queues(cursor, self._jobs):
                for task, count, oldest in self._front(cursor, queue):
                    in_front[queue, task] += count
                    since[queue] = min(oldest, since.get(queue, oldest))
            first = {queue: first_due(cursor, self._jobs, queue) for queue in due_queues(cursor, self._jobs)}
        counts = {(queue, JobState(state)): count for queue, state, count in rows}
        return Stats(counts, since, dict(in_front), {queue: at for queue, at in first.items() if at is not None})

    def _front(self, cursor: Any, queue: str) -> Iterator[Any]:
        """Yield the tasks of the first ready jobs of each priority: how many there are, and the oldest's time."""
        for rank in _PRIORITIES:
            yield from self._sql.line.run(cursor, of_queue=queue, rank=rank, most=LINE).fetchall()

    def waiting_tasks(self) -> dict[tuple[str, str], int]:
        """Return counts of waiting jobs by queue and task; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.waiting.run(cursor).fetchall()
        return {(queue, task): count for queue, task, count in rows}


def _seen(row: Sequence[Any]) -> Seen:
    """Return a job as it is seen, of its row."""
    one = Job._make(row[:_JOB_ENDS])
    last = attempt_of(row[_JOB_ENDS:-1]) if one.attempts and row[_JOB_ENDS] is not None else None
    return Seen(one, last, row[-1])


def attempt_of(row: Sequence[Any]) -> Attempt:
    """Return an attempt of its row."""
    key, *rest = row
    return Attempt(key & LAST_ATTEMPT, *rest)
