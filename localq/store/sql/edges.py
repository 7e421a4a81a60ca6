"""What jobs have to do with each other, on a cursor: tying, counting down, failing what is behind, and reviving.

`waits` of a WAITING job is the number of jobs it still waits for. At zero it is READY (or SCHEDULED), unless it has
a `culprit`: then it stays WAITING, and `claim` hands it to the next worker that asks, of whatever queues, to say
what it failed of. Each step of a chain that failed is one such step, and the end of each tells the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from localq.model.edges import OnError, Passing, Role
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.layout import ADDED, INLINE_ARGS

__all__ = ["Edges"]

_BAD = (JobState.FAILED, JobState.CANCELLED)
_FEEDING = (Passing.FIRST, Passing.LISTED)
#: Stands for a job that is not there any more.
_REMOVED = 0
#: Where a row of a job that is added has these.
_STATE, _RUN_AT = ADDED.index("state"), ADDED.index("run_at")


def _fed(new: NewJob) -> int:
    """Return the part a new job has in edges by itself; others may wait for it."""
    return Role.FED if any(edge.passing in _FEEDING for edge in new.after) else 0


def _may_circle(entered: Sequence[NewJob], knotty: bool) -> list[NewJob]:
    """Return new jobs that may wait for themselves: those that stand before what they wait for, which no plan does.

    Args:
        knotty: Some of the plan was there already, and may wait for what waits for a job that others are put beside.
    """
    place = {new.id: number for number, new in enumerate(entered)}
    return [
        new
        for new in entered
        if new.after
        and (
            (knotty and new.beside is not None)
            or max([place.get(edge.awaited, -1) for edge in new.after]) >= place[new.id]
        )
    ]


class Edges:
    """Ties jobs and counts down, by statements on a cursor: the transaction is the caller's."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect, self._bound = dialect, dialect.bound
        self._jobs = dialect.texts.job
        self._sql = dialect.texts.edge

    # Tying

    def member_row(self, new: NewJob, plain: tuple[Any, ...], awaited: Collection[str]) -> tuple[Any, ...]:
        """Return the values of a job in a workflow: those of any job, and what it waits for."""
        role = _fed(new) | (Role.AWAITED if new.id in awaited or new.beside is not None else 0)
        row = list(plain)
        if new.after:
            row[_STATE], row[_RUN_AT] = int(JobState.WAITING), 0 if new.run_at is None else new.run_at
        return (*row, len(new.after), role, new.workflow)

    def tie(self, cursor: Any, jobs: Sequence[NewJob], added: Sequence[bool], now: int) -> None:
        """Write the edges of jobs that were added just now."""
        sql = self._sql
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
            sql.mark_awaited.run(cursor, of_id=job_id)
        for new in waiters:
            if any(edge.awaited in older for edge in new.after):
                self._reckon(cursor, self._key_of(cursor, new.id), now)
        for new in entered:
            if new.beside is not None:
                key = self._key_of(cursor, new.id)
                sql.tie_beside.run(cursor, k=key, of_id=new.beside)
                sql.wait_longer.run(cursor, of_id=new.beside)
        for new in _may_circle(entered, knotty=bool(older) or not all(added)):
            self.cut_circles(cursor, self._key_of(cursor, new.id), now)

    def cut_circles(self, cursor: Any, key: int, now: int) -> None:
        """Let a job wait for nothing that waits for the job itself: as if that had been removed."""
        circling = [one for one in self._unfinished(cursor, key) if self._leads(cursor, one, key)]
        for one in circling:
            self._sql.cut.run(cursor, k=key, from_key=one)
        if circling:
            self._reckon(cursor, key, now)

    def _leads(self, cursor: Any, start: int, goal: int) -> bool:
        """Whether a job is another, or waits for it, however many stand between."""
        seen: set[int] = set()
        ahead = [start]
        while ahead:
            key = ahead.pop()
            if key == goal:
                return True
            if key not in seen:
                seen.add(key)
                ahead += self._unfinished(cursor, key)
        return False

    def _unfinished(self, cursor: Any, key: int) -> list[int]:
        rows = self._sql.ties_of.run(cursor, k=key).fetchall()
        return [awaited for awaited, state, _ in rows if state is not None and state < JobState.SUCCEEDED]

    def _key_of(self, cursor: Any, job_id: str) -> int:
        return int(self._jobs.by_id.run(cursor, of_id=job_id).fetchone()[0])

    def put_in_place(self, cursor: Any, key: int, done: Completion, now: int) -> bool:
        """Put another call under the id of a job (by key); False if the job was cancelled meanwhile."""
        assert done.replaced is not None
        sql, new = self._sql, done.replaced
        if sql.fate.run(cursor, k=key).fetchone()[0] == JobState.CANCELLED:
            return False
        inline = new.args if len(new.args) <= INLINE_ARGS else None
        at = new.run_at
        sql.replace.run(
            cursor,
            k=key,
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
        self._jobs.drop_payload.run(cursor, k=key)
        if inline is None:
            self._jobs.add_payload.run(cursor, of_id=done.id, args=new.args)
        sql.untie.run(cursor, k=key)
        return True

    # Counting down

    def count(self, cursor: Any, done: Iterable[tuple[int, JobState]], now: int) -> None:
        """Tell what waits for jobs (by key) that they have ended."""
        good: list[int] = []
        bad: list[int] = []
        others: list[int] = []
        for key, state in done:
            (good if state == JobState.SUCCEEDED else bad if state in _BAD else others).append(key)
        if others:
            # A job that was to run again is over if it was cancelled.
            found = self._sql.cancelled_of.run(cursor, keys=self._bound(others)).fetchall()
            bad += [row[0] for row in found]
        self._count_good(cursor, good, now)
        self.count_bad(cursor, bad, now)

    def _count_good(self, cursor: Any, keys: Sequence[int], now: int) -> None:
        if keys:
            rows = self._sql.waiters_of.run(cursor, keys=self._bound(keys)).fetchall()
            self._lower(cursor, [(waiter, count, None) for waiter, count in rows], now)

    def count_bad(self, cursor: Any, keys: Sequence[int], now: int, *, removed: bool = False) -> None:
        """Tell what waits for jobs that they did not succeed; each edge says what that means."""
        if not keys:
            return
        sql = self._sql
        doomed, lowered = [], []
        for waiter, on_error, awaited in sql.edges_from.run(cursor, keys=self._bound(keys)).fetchall():
            culprit = _REMOVED if removed else awaited
            if on_error == OnError.FAIL:
                doomed.append(sql.doom.values({"k": waiter, "of_culprit": culprit}))
            else:
                lowered.append((waiter, 1, culprit if on_error == OnError.WAIT else None))
        cursor.executemany(sql.doom.text, doomed)
        self._lower(cursor, lowered, now)

    def _lower(self, cursor: Any, rows: Sequence[tuple[int, int, int | None]], now: int) -> None:
        sql = self._sql
        cursor.executemany(
            sql.count_down.text,
            [sql.count_down.values({"k": key, "n": n, "of_culprit": culprit}) for key, n, culprit in rows],
        )
        cursor.executemany(sql.let_go.text, [sql.let_go.values({"k": key, "now": now}) for key, _, _ in rows])

    # Reviving

    def revive(self, cursor: Any, keys: Iterable[int], now: int) -> list[str]:
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
        sql = self._sql
        found: list[int] = []
        for key in level:
            found += [row[0] for row in sql.bad_ties.run(cursor, k=key).fetchall()]
        again: list[int] = []
        while found:
            key = found.pop()
            row = self._again(cursor, key, now)
            if row is not None:
                also.append(row[0])
                again.append(key)
                found += [tie[0] for tie in sql.bad_ties.run(cursor, k=key).fetchall()]
        return again

    def _behind_again(self, cursor: Any, level: Sequence[int], now: int) -> list[int]:
        """Let what is behind jobs wait for them again; return those that had failed because of one of them."""
        sql = self._sql
        revived = []
        for waiter, _ in sql.waiters_of.run(cursor, keys=self._bound(level)).fetchall():
            state, culprit = sql.fate.run(cursor, k=waiter).fetchone()
            if state == JobState.WAITING:
                self._reckon(cursor, waiter, now)
            elif state in _BAD and culprit in level:
                others = sql.bad_ties.run(cursor, k=waiter).fetchall()
                if others:
                    sql.blame.run(cursor, k=waiter, of_culprit=others[0][0])
                else:
                    self._again(cursor, waiter, now)
                    revived.append(waiter)
        return revived

    def _again(self, cursor: Any, key: int, now: int) -> Any:
        """Let a job that is over run again, with nothing said yet; return a row with its id, None if it is not over."""
        row = self._sql.again.run(cursor, k=key, now=now).fetchone()
        if row is not None:
            self._jobs.drop_note.run(cursor, k=key)
        return row

    def _reckon(self, cursor: Any, key: int, now: int) -> None:
        """Set what a job that has not begun waits for, by where those jobs are now."""
        sql = self._sql
        unfinished, culprit, fails = 0, None, False
        for awaited, state, on_error in sql.ties_of.run(cursor, k=key).fetchall():
            if state is not None and state < JobState.SUCCEEDED:
                unfinished += 1
            elif state != JobState.SUCCEEDED and on_error != OnError.SKIP:
                culprit = (awaited or _REMOVED) if culprit is None else culprit
                fails = fails or on_error == OnError.FAIL
        if unfinished or culprit is not None:
            sql.set_waits.run(cursor, k=key, n=0 if fails else unfinished, of_culprit=culprit)
        else:
            # Nothing to wait for any more: as if the last had just ended.
            sql.count_down.run(cursor, k=key, n=1 << 30, of_culprit=None)
            sql.let_go.run(cursor, k=key, now=now)

    # Claiming and removing

    def take_stuck(self, cursor: Any, worker: int, most: int) -> list[Job]:
        """Claim jobs that cannot run because of others, for a worker to say so."""
        keys = sorted(row[0] for row in self._sql.claim_stuck.run(cursor, worker=worker, most=most).fetchall())
        return [Job._make(self._sql.claimed.run(cursor, k=key).fetchone()) for key in keys]

    def untie(self, cursor: Any, keys: Sequence[int]) -> None:
        """Remove the edges of jobs that go."""
        sql = self._sql
        singles = [(key,) for key in keys]
        cursor.executemany(sql.untie.text, singles)
        cursor.executemany(sql.untie_awaited.text, singles)
