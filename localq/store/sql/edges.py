"""The verbs' parts about edges: tying jobs, counting down, failing what is behind, and reviving it.

`waits` of a WAITING job is the number of jobs it still waits for. At zero it is READY (or SCHEDULED), unless it has
a `culprit`: then it stays WAITING, and `claim` hands it to the next worker that asks, of whatever queues, to say
what it failed of. Each step of a chain that failed is one such step, and the end of each tells the next.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from localq.model.edges import Input, OnError, Passing, Role, Tie
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Attempt, Completion
from localq.store.sql.database import Database
from localq.store.sql.job_statements import span
from localq.store.sql.schema import INLINE_ARGS

__all__ = ["EdgeVerbs"]

_BAD = (JobState.FAILED, JobState.CANCELLED)
_FEEDING = (Passing.FIRST, Passing.LISTED)
#: Stands for a job that is not there any more.
_REMOVED = 0


def _fed(new: NewJob) -> int:
    """Return the part a new job has in edges by itself; others may wait for it."""
    return Role.FED if any(edge.passing in _FEEDING for edge in new.after) else 0


class EdgeVerbs(Database):
    """What jobs have to do with each other; see `localq.store.protocol.store.Store`."""

    # Tying

    def _member_row(self, new: NewJob, plain: tuple[Any, ...], awaited: Collection[str]) -> tuple[Any, ...]:
        """Return the values of a job in a workflow: those of any job, and what it waits for."""
        role = _fed(new) | (Role.AWAITED if new.id in awaited or new.beside is not None else 0)
        row = list(plain)
        if new.after:
            row[4], row[5] = int(JobState.WAITING), 0 if new.run_at is None else new.run_at
        return (*row, len(new.after), role, new.workflow)

    def _tie(self, cursor: Any, jobs: Sequence[NewJob], added: Sequence[bool], now: int) -> None:
        """Write the edges of jobs that were added just now."""
        sql = self._sql.edges
        entered = [new for new, is_new in zip(jobs, added, strict=True) if is_new]
        fresh = {new.id for new in entered}
        waiters = [new for new in entered if new.after]
        rows = [
            sql.tie.values(
                {
                    "waiter_id": new.id,
                    "position": position,
                    "awaited_id": edge.awaited,
                    "passing": int(edge.passing),
                    "on_error": int(edge.on_error),
                }
            )
            for new in waiters
            for position, edge in enumerate(new.after)
        ]
        cursor.executemany(sql.tie.text, rows)
        older = {edge.awaited for new in waiters for edge in new.after} - fresh
        for job_id in sorted(older):
            self._run(cursor, sql.mark_awaited, of_id=job_id)
        for new in waiters:
            if any(edge.awaited in older for edge in new.after):
                self._reckon(cursor, self._key_of(cursor, new.id), now)
        for new in entered:
            if new.beside is not None:
                key = self._key_of(cursor, new.id)
                self._run(cursor, sql.tie_beside, k=key, of_id=new.beside)
                self._run(cursor, sql.wait_longer, k=key)

    def _key_of(self, cursor: Any, job_id: str) -> int:
        return int(self._run(cursor, self._sql.by_id, of_id=job_id).fetchone()[0])

    def _put_in_place(self, cursor: Any, done: Completion, now: int) -> bool:
        """Put another call under a job's id; False if the job was cancelled meanwhile."""
        assert done.replaced is not None
        sql, new = self._sql.edges, done.replaced
        if self._run(cursor, sql.fate, k=done.key).fetchone()[0] == JobState.CANCELLED:
            return False
        inline = new.args if len(new.args) <= INLINE_ARGS else None
        at = new.run_at
        self._run(
            cursor,
            sql.replace,
            k=done.key,
            to_task=new.task,
            to_queue=new.queue,
            to_priority=new.priority,
            to_args=inline,
            to_options=new.options,
            to_waits=len(new.after),
            at=(0 if new.after else now) if at is None else at,
            until=new.expires_at,
            fed=_fed(new),
        )
        self._run(cursor, self._sql.drop_payload, k=done.key)
        if inline is None:
            self._run(cursor, self._sql.add_payload, job=done.key, args=new.args)
        self._run(cursor, sql.untie, k=done.key)
        return True

    # Counting down

    def _count(self, cursor: Any, done: Iterable[tuple[Completion, JobState]], now: int) -> None:
        """Tell what waits for jobs that they have ended."""
        good: list[int] = []
        bad: list[int] = []
        others: list[int] = []
        for one, state in done:
            (good if state == JobState.SUCCEEDED else bad if state in _BAD else others).append(one.key)
        if others:
            # A job that was to run again is over if it was cancelled.
            found = self._run(cursor, self._sql.edges.cancelled_of, keys=json.dumps(others)).fetchall()
            bad += [row[0] for row in found]
        self._count_good(cursor, good, now)
        self._count_bad(cursor, bad, now)

    def _count_good(self, cursor: Any, keys: Sequence[int], now: int) -> None:
        if keys:
            rows = self._run(cursor, self._sql.edges.waiters_of, keys=json.dumps(keys)).fetchall()
            self._lower(cursor, [(waiter, count, None) for waiter, count in rows], now)

    def _count_bad(self, cursor: Any, keys: Sequence[int], now: int, *, removed: bool = False) -> None:
        """Tell what waits for jobs that they did not succeed; each edge says what that means."""
        if not keys:
            return
        sql = self._sql.edges
        doomed, lowered = [], []
        for waiter, on_error, awaited in self._run(cursor, sql.edges_from, keys=json.dumps(keys)).fetchall():
            culprit = _REMOVED if removed else awaited
            if on_error == OnError.FAIL:
                doomed.append(sql.doom.values({"k": waiter, "of_culprit": culprit}))
            else:
                lowered.append((waiter, 1, culprit if on_error == OnError.WAIT else None))
        cursor.executemany(sql.doom.text, doomed)
        self._lower(cursor, lowered, now)

    def _lower(self, cursor: Any, rows: Sequence[tuple[int, int, int | None]], now: int) -> None:
        sql = self._sql.edges
        cursor.executemany(
            sql.count_down.text,
            [sql.count_down.values({"k": key, "n": n, "of_culprit": culprit}) for key, n, culprit in rows],
        )
        cursor.executemany(sql.let_go.text, [sql.let_go.values({"k": key, "now": now}) for key, _, _ in rows])

    # Reviving

    def _revive(self, cursor: Any, keys: Iterable[int], now: int) -> list[str]:
        """Bring jobs that run again back into their workflows; return the ids of others that run again for them.

        What a job could not do without runs again too, unless it succeeded; and what failed because of the job waits
        for it again.
        """
        also: list[str] = []
        level = list(keys)
        while level:
            level += self._needed(cursor, level, now, also)
            for key in level:
                self._reckon(cursor, key, now)
            level = self._behind_again(cursor, level, now)
        return also

    def _needed(self, cursor: Any, level: Sequence[int], now: int, also: list[str]) -> list[int]:
        sql = self._sql.edges
        found: list[int] = []
        for key in level:
            found += [row[0] for row in self._run(cursor, sql.bad_ties, k=key).fetchall()]
        again: list[int] = []
        while found:
            key = found.pop()
            row = self._run(cursor, sql.again, k=key, now=now).fetchone()
            if row is not None:
                also.append(row[0])
                again.append(key)
                found += [tie[0] for tie in self._run(cursor, sql.bad_ties, k=key).fetchall()]
        return again

    def _behind_again(self, cursor: Any, level: Sequence[int], now: int) -> list[int]:
        """Let what is behind jobs wait for them again; return those that had failed because of one of them."""
        sql = self._sql.edges
        revived = []
        for waiter, _ in self._run(cursor, sql.waiters_of, keys=json.dumps(level)).fetchall():
            state, culprit = self._run(cursor, sql.fate, k=waiter).fetchone()
            if state == JobState.WAITING:
                self._reckon(cursor, waiter, now)
            elif state in _BAD and culprit in level:
                others = self._run(cursor, sql.bad_ties, k=waiter).fetchall()
                if others:
                    self._run(cursor, sql.blame, k=waiter, of_culprit=others[0][0])
                else:
                    self._run(cursor, sql.again, k=waiter, now=now).fetchall()
                    revived.append(waiter)
        return revived

    def _reckon(self, cursor: Any, key: int, now: int) -> None:
        """Set what a job that has not begun waits for, by where those jobs are now."""
        sql = self._sql.edges
        unfinished, culprit, fails = 0, None, False
        for awaited, state, on_error in self._run(cursor, sql.ties_of, k=key).fetchall():
            if state is not None and state < JobState.SUCCEEDED:
                unfinished += 1
            elif state != JobState.SUCCEEDED and on_error != OnError.SKIP:
                culprit = (awaited or _REMOVED) if culprit is None else culprit
                fails = fails or on_error == OnError.FAIL
        if unfinished or culprit is not None:
            self._run(cursor, sql.set_waits, k=key, n=0 if fails else unfinished, of_culprit=culprit)
        else:
            # Nothing to wait for any more: as if the last had just ended.
            self._run(cursor, sql.count_down, k=key, n=1 << 30, of_culprit=None)
            self._run(cursor, sql.let_go, k=key, now=now)

    # Claiming and removing

    def _take_stuck(self, cursor: Any, worker: int, most: int) -> list[Job]:
        """Claim jobs that cannot run because of others, for a worker to say so."""
        rows = self._run(cursor, self._sql.edges.claim_stuck, worker=worker, most=most).fetchall()
        return [Job._make(row) for row in sorted(rows)]

    def _untie(self, cursor: Any, keys: Sequence[int]) -> None:
        sql = self._sql.edges
        singles = [(key,) for key in keys]
        cursor.executemany(sql.untie.text, singles)
        cursor.executemany(sql.untie_awaited.text, singles)

    # Reading

    def inputs(self, key: int) -> list[Input]:
        """Return what a job gets of those it waited for; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.edges.inputs, k=key).fetchall()
        return [Input._make(row) for row in rows]

    def ended(self, key: int) -> tuple[Job, Attempt | None] | None:
        """Return a job with its last attempt, by its key; see the protocol."""
        with self._lock, self._reading as cursor:
            row = self._run(cursor, self._sql.by_key, k=key).fetchone()
            if row is None:
                return None
            first, end = span(key)
            kept = self._run(cursor, self._sql.last_attempt, first=first, end=end).fetchone()
        return Job._make(row), None if kept is None else Attempt(kept[0] - first, *kept[1:])

    def family(self, workflow: str) -> tuple[list[Job], list[Tie]]:
        """Return a workflow's jobs and edges; see the protocol."""
        sql = self._sql.edges
        with self._lock, self._reading as cursor:
            jobs = [Job._make(row) for row in self._run(cursor, sql.family, of_workflow=workflow).fetchall()]
            ties = [Tie._make(row) for row in self._run(cursor, sql.ties, of_workflow=workflow).fetchall()]
        return jobs, ties

    # Saved groups

    def save_group(self, group_id: str, content: bytes, now: int) -> None:
        """Keep what a group consists of; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(cursor, self._sql.save_group, id=group_id, content=content, saved_at=now)

    def saved_group(self, group_id: str) -> bytes | None:
        """Return what `save_group` kept; see the protocol."""
        with self._lock, self._reading as cursor:
            row = self._run(cursor, self._sql.edges.saved, of_id=group_id).fetchone()
        return None if row is None else row[0]

    def forget_group(self, group_id: str) -> None:
        """Drop what `save_group` kept; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(cursor, self._sql.edges.drop_saved, of_id=group_id)
