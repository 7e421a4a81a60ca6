"""The verbs that only read: jobs, their results and attempts, and counts of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, literal_column, select

from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.store.protocol.store import LINE, Filter
from localq.store.sql.database import Database
from localq.store.sql.job_statements import job_columns, span
from localq.store.sql.schema import LAST_ATTEMPT, job, state_is
from localq.store.sql.statement import Statement

__all__ = ["ReadingVerbs", "queries"]

#: Every priority a job can have.
_PRIORITIES = range(10)
#: Finished jobs of a state and queue that one look for old ones goes through.
_LOOKED_AT = 2000
#: States looked up in an index of their own.
_RARE = (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED)


class ReadingVerbs(Database):
    """What there is to know of jobs; see `localq.store.protocol.store.Store`."""

    #: Where the next look for old jobs begins, by the time they finished.
    _pruned_jobs_to = 0

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
        found: list[Any] = []
        with self._lock, self._reading as cursor:
            for clause in queries(which):
                found.extend(self._run(cursor, Statement(clause.limit(limit), self._dialect)).fetchall())
        found.sort(key=lambda row: -row[0])
        return [Job._make(row) for row in found[:limit]]

    def stats(self) -> dict[tuple[str, JobState], int]:
        """Return counts by queue and state; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.stats).fetchall()
        return {(queue, JobState(state)): count for queue, state, count in rows}

    def oldest_ready(self) -> int | None:
        """Return the earliest `run_at` of READY jobs; see the protocol."""
        sql = self._sql
        with self._lock, self._reading as cursor:
            found = [
                self._run(cursor, sql.oldest_in_line, of_queue=queue, rank=rank, most=LINE).fetchone()[0]
                for queue in self._ready_queues(cursor)
                for rank in _PRIORITIES
            ]
        return min((since for since in found if since is not None), default=None)

    def _ready_queues(self, cursor: Any) -> Iterator[str]:
        """Return the queues that have ready jobs."""
        return self._skipping(cursor, self._sql.next_queue)

    def _skipping(self, cursor: Any, following: Statement, **given: Any) -> Iterator[str]:
        """Return queues by skipping from one to the next in an index."""
        after = ""
        while (found := self._run(cursor, following, after=after, **given).fetchone()[0]) is not None:
            yield found
            after = found

    def _done_before(self, before: int, limit: int) -> list[int]:
        """Return keys of jobs that finished before a time and may go, from where the last look ended.

        Many jobs of unfinished workflows may stand in front: a look goes past some of them, the next past more.
        """
        sql = self._sql
        keys: list[int] = []
        cut: list[int] = []
        with self._lock, self._reading as cursor:
            for state in (state for state in JobState if state.final):
                for queue in self._skipping(cursor, sql.next_done, of_state=int(state)):
                    found = self._run(
                        cursor,
                        sql.done_before,
                        of_state=int(state),
                        of_queue=queue,
                        since=self._pruned_jobs_to,
                        before=before,
                        most=_LOOKED_AT,
                    ).fetchall()
                    keys.extend(key for key, _, may_go in found if may_go)
                    if len(found) == _LOOKED_AT:
                        cut.append(found[-1][1])
        self._pruned_jobs_to = max(self._pruned_jobs_to + 1, min(cut)) if cut and len(keys) < limit else 0
        return keys[:limit]

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


def queries(which: Filter) -> list[Select[Any]]:
    """Return the queries that find a filter's jobs together, each with the newest first.

    Few jobs run, fail or are revoked, and they may lie far behind others: each of these states is looked up in its
    index. Of the rest there are many, so that going through the newest jobs finds some soon.
    """
    query = _narrowed(which)
    # Where an index finds few, a bare key would make SQLite walk the table in that order instead.
    newest, sorted_newest = job.c.key.desc(), (job.c.key + literal_column("0")).desc()
    if which.id_prefix is not None:
        newest = job.c.id.desc()
    if which.states is None:
        return [query.order_by(newest)]
    common = [int(state) for state in which.states if state not in _RARE]
    queries = [query.where(job.c.state.in_(common)).order_by(newest)] if common or not which.states else []
    if JobState.RUNNING in which.states:
        queries.append(query.where(state_is(JobState.RUNNING)).order_by(sorted_newest))
    failed = job.c.state > literal_column(str(int(JobState.SUCCEEDED)))
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in which.states:
            queries.append(query.where(failed, state_is(state)).order_by(newest))
    return queries


def _narrowed(which: Filter) -> Select[Any]:
    """Return the query of a filter, in no order and of all states."""
    clause = select(*job_columns(with_args=False))
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
    return clause


def _attempt(row: Sequence[Any]) -> Attempt:
    key, *rest = row
    return Attempt(key & LAST_ATTEMPT, *rest)
