"""The store's verbs in SQL, for any database whose subclass can connect, begin and tell its errors apart.

Here are those that write jobs: adding, claiming, finishing, changing by hand. `workers`, `reading`, `schedules` and
`ringing` have the others, and `database` what all stand on. Hot verbs run text compiled once (`statements`) on the
driver's cursor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from localq.model import failpoints
from localq.model.edges import Role
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.rates import NO_RATES, Rate
from localq.model.worker import Claim
from localq.store.sql.edges import EdgeVerbs
from localq.store.sql.job_statements import span, waiting_columns
from localq.store.sql.limits import BrakedClaims
from localq.store.sql.mail import MailVerbs
from localq.store.sql.schedules import ScheduleVerbs
from localq.store.sql.schema import ATTEMPT_BITS, INLINE_ARGS, LAST_ATTEMPT, job
from localq.store.sql.statement import Statement
from localq.store.sql.workers import WorkerVerbs
from localq.store.sqlite.bells import BellVerbs

__all__ = ["SqlStore"]

#: SCHEDULED jobs made READY in one claim; more wait for the next.
_PROMOTED_AT_ONCE = 1000
#: Jobs that cannot run because of others, taken in one claim.
_STUCK_AT_ONCE = 256
_READY = int(JobState.READY)
_SCHEDULED = int(JobState.SCHEDULED)


class SqlStore(BrakedClaims, MailVerbs, WorkerVerbs, ScheduleVerbs, EdgeVerbs, BellVerbs):
    """Jobs and schedules in a SQL database; the verbs are those of `localq.store.protocol.store.Store`."""

    # Adding

    def add(self, jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Add jobs, all or none; see the protocol."""
        if len(jobs) == 1 and _is_plain(jobs[0]) and len(jobs[0].args) <= INLINE_ARGS and not failpoints.armed():
            # One statement is a transaction of its own, and two round trips to SQLite less.
            with self._lock:
                return [self._write_one(self._sql.add_job.text, _job_row(jobs[0], now)) == 1]
        with self._lock, self._writing as cursor:
            added = self._insert(cursor, jobs, now)
            failpoints.point("enqueue.inside")
        self._added(len(jobs))
        return added

    def _insert(self, cursor: Any, jobs: Sequence[NewJob], now: int) -> list[bool]:
        text = self._sql.add_job.text
        rows = [_job_row(new, now) for new in jobs]
        if not all(map(_is_plain, jobs)):
            text = self._sql.add_member.text
            awaited = {edge.awaited for new in jobs for edge in new.after}
            rows = [self._member_row(new, row, awaited) for new, row in zip(jobs, rows, strict=True)]
            added = self._insert_rows(cursor, jobs, text, rows)
            self._tie(cursor, jobs, added, now)
            return added
        return self._insert_rows(cursor, jobs, text, rows)

    def _insert_rows(
        self, cursor: Any, jobs: Sequence[NewJob], text: str, rows: Sequence[tuple[Any, ...]]
    ) -> list[bool]:
        if len(rows) > 1 and all(len(new.args) <= INLINE_ARGS for new in jobs):
            cursor.execute("SAVEPOINT together")
            cursor.executemany(text, rows)
            if cursor.rowcount == len(rows):
                return [True] * len(rows)
            # Some id existed already, and only one at a time tells which.
            cursor.execute("ROLLBACK TO together")
        added = []
        for new, row in zip(jobs, rows, strict=True):
            cursor.execute(text, row)
            is_new = cursor.rowcount == 1
            if is_new and len(new.args) > INLINE_ARGS:
                self._run(cursor, self._sql.add_payload, job=cursor.lastrowid, args=new.args)
            added.append(is_new)
        return added

    # Claiming

    def claim(
        self,
        worker: int,
        queues: Sequence[str] | None,
        excluded: Sequence[str],
        limit: int,
        now: int,
        rates: Mapping[str, Rate] | None = NO_RATES,
    ) -> Claim:
        """Take READY jobs; see the protocol."""
        sql = self._sql
        with self._lock, self._writing as cursor:
            held = self._run(cursor, sql.outlook, k=worker).fetchone()
            if held is None:
                return Claim([], None, held=False)
            braked, next_at, stuck = held
            if next_at is not None and next_at <= now:
                self._run(cursor, sql.promote, now=now, most=_PROMOTED_AT_ONCE)
                next_at = self._run(cursor, sql.outlook, k=worker).fetchone()[1]
            behind: list[Job] = []
            if stuck:
                behind = [self._with_args(cursor, one) for one in self._take_stuck(cursor, worker, _STUCK_AT_ONCE)]
            possible = self._ready_queues(cursor) if queues is None else dict.fromkeys(queues)
            served = [name for name in possible if name not in excluded]
            if limit <= 0 or not (served or braked):
                return Claim(behind, next_at)
            if braked or rates:
                barred = excluded if queues is None else None
                brakes = self._brakes(cursor, served, barred, rates, now)
                rows = self._take_braked(cursor, brakes, worker, limit)
                next_at = brakes.next_at(next_at, now)
            else:
                rows = self._take(cursor, served, worker, limit)
            if len(rows) > 1:
                rows.sort(key=lambda row: (-row[4], row[0]))
            jobs = [self._with_args(cursor, Job._make(row)) for row in rows]
            failpoints.point("claim.inside")
        return Claim(behind + jobs, next_at)

    def _take(self, cursor: Any, queues: Sequence[str], worker: int, limit: int) -> list[Any]:
        sql = self._sql
        if len(queues) == 1:
            claimed = self._run(cursor, sql.claim_queue, worker=worker, of_queue=queues[0], most=limit)
            return list(claimed.fetchall())
        best: list[tuple[int, int]] = []
        for name in queues:
            found = self._run(cursor, sql.best_of_queue, of_queue=name, most=limit).fetchall()
            best.extend((-priority, key) for key, priority in found)
        best.sort()
        keys = json.dumps([key for _, key in best[:limit]])
        return list(self._run(cursor, sql.claim_keys, worker=worker, keys=keys).fetchall())

    # Finishing

    def finish(self, completions: Sequence[Completion], now: int) -> list[bool]:
        """Write what attempts came to; see the protocol."""
        if not completions:
            return []
        text, in_order = self._sql.finish.text, self._sql.finish.in_order
        rows = [in_order(_finish_row(done, now)) for done in completions]
        with self._lock, self._writing as cursor:
            if len(rows) > 1:
                cursor.execute("SAVEPOINT every")
                cursor.executemany(text, rows)
                if cursor.rowcount == len(rows):
                    self._record(cursor, completions, now)
                    failpoints.point("finish.inside")
                    return [True] * len(rows)
                # Some was not held any more, and only one at a time tells which.
                cursor.execute("ROLLBACK TO every")
            ended = [self._end_one(cursor, row, done, now) for row, done in zip(rows, completions, strict=True)]
            applied = [done is not None for done in ended]
            held = [done for done in ended if done is not None]
            self._record(cursor, held, now)
            failpoints.point("finish.inside")
            return applied

    def _end_one(self, cursor: Any, row: tuple[Any, ...], done: Completion, now: int) -> Completion | None:
        """Move one job; return its completion with the role the job has by now, or None if it was not held."""
        finish = self._sql.finish
        cursor.execute(finish.text, row)
        if cursor.rowcount == 1:
            return done
        found = self._run(cursor, self._sql.role_of, k=done.key, of_id=done.id).fetchone()
        if found is None or found[0] == done.role:
            return None
        cursor.execute(finish.text, finish.in_order({**_finish_row(done, now), "as_role": found[0]}))
        return done._replace(role=found[0]) if cursor.rowcount == 1 else None

    def _count_down(self, cursor: Any, completions: Sequence[Completion], now: int) -> None:
        self._count(cursor, [(done, done.state) for done in completions if done.role & Role.AWAITED], now)

    def _record(self, cursor: Any, completions: Sequence[Completion], now: int) -> None:
        """Write the attempts, new arguments and follow-ups of completions that were applied; count down first.

        What follows may wait for what has just ended: for that it must be over already.
        """
        if any(done.role for done in completions):
            self._count_down(cursor, completions, now)
        rows = [
            (
                done.key << ATTEMPT_BITS | min(done.attempt.number, LAST_ATTEMPT),
                done.attempt.worker,
                done.attempt.started_at,
                done.attempt.ended_at,
                done.attempt.ending,
                done.attempt.result,
                done.attempt.failure,
                done.attempt.peak_kb,
                done.attempt.output,
            )
            for done in completions
            if done.attempt is not None
        ]
        if rows:
            cursor.executemany(self._sql.add_attempt.text, rows)
        for done in completions:
            if done.queue is not None or done.priority is not None:
                self._run(cursor, self._sql.new_place, k=done.key, new_queue=done.queue, new_priority=done.priority)
            if done.args is not None:
                self._replace_call(cursor, done)
            if not done.state.final:
                # The next run starts with nothing said.
                self._run(cursor, self._sql.drop_note, k=done.key)
            if done.replaced is None:
                if done.follow_ups:
                    self._insert(cursor, done.follow_ups, now)
            elif self._put_in_place(cursor, done, now):
                self._insert(cursor, done.follow_ups, now)
                self._tie(cursor, [done.replaced], [True], now)

    def _replace_call(self, cursor: Any, done: Completion) -> None:
        assert done.args is not None
        inline = done.args if len(done.args) <= INLINE_ARGS else None
        self._run(cursor, self._sql.new_call, k=done.key, new_args=inline, new_options=done.options)
        self._run(cursor, self._sql.drop_payload, k=done.key)
        if inline is None:
            self._run(cursor, self._sql.add_payload, job=done.key, args=done.args)
        if done.role & Role.FED:
            # What it got of others is among the new arguments.
            self._run(cursor, self._sql.edges.whole_call, k=done.key)

    def annotate(self, notes: Sequence[Note], now: int) -> None:
        """Keep what unfinished jobs say of themselves; see the protocol."""
        with self._lock, self._writing as cursor:
            for said in notes:
                found = self._run(cursor, self._sql.note_shown, of_id=said.id, to_shown=said.shown).fetchone()
                if found is not None and said.meta is not None:
                    self._run(cursor, self._sql.add_note, job=found[0], meta=said.meta, noted_at=now)

    # Changing by hand

    def cancel(self, ids: Sequence[str], now: int, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs; see the protocol. The flag kept is 1 for no signal, else the signal's number plus one."""
        with self._lock, self._writing as cursor:
            return self._cancel(cursor, ids, now, signal)

    def _cancel(self, cursor: Any, ids: Sequence[str], now: int, signal: int) -> dict[str, JobState]:
        before: dict[str, JobState] = {}
        awaited: list[int] = []
        for job_id in dict.fromkeys(ids):
            found = self._run(cursor, self._sql.by_id, of_id=job_id).fetchone()
            if found is None:
                continue
            one = Job._make(found)
            before[job_id] = JobState(one.state)
            if one.state < JobState.RUNNING:
                self._run(cursor, self._sql.cancel_waiting, k=one.key, now=now, signal=1 + signal)
                if one.role & Role.AWAITED:
                    awaited.append(one.key)
            elif one.state == JobState.RUNNING:
                self._run(cursor, self._sql.flag, k=one.key, signal=1 + signal)
        self._count_bad(cursor, awaited, now)
        return before

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again; see the protocol."""
        with self._lock, self._writing as cursor:
            found = [self._run(cursor, self._sql.requeue, of_id=i, now=now).fetchone() for i in ids]
            again = [row for row in found if row is not None]
            cursor.executemany(self._sql.drop_note.text, [(key,) for key, *_ in again])
            tied = [key for key, _, role, workflow in again if role or workflow is not None]
            also = self._revive(cursor, tied, now) if tied else []
        return [job_id for _, job_id, *_ in again] + also

    def forget(self, ids: Sequence[str]) -> int:
        """Remove finished jobs; see the protocol."""
        with self._lock, self._writing as cursor:
            unique = dict.fromkeys(ids)
            found = [self._run(cursor, self._sql.final_key, of_id=i).fetchone() for i in unique]
            return self._drop(cursor, [row[0] for row in found if row is not None])

    def purge(self, queues: Sequence[str] | None) -> int:
        """Remove jobs that wait; see the protocol."""
        statement = Statement(waiting_columns(job.c.key, queues=queues).limit(1000), self._dialect)
        removed = 0
        while True:
            with self._lock, self._writing as cursor:
                keys = [row[0] for row in self._run(cursor, statement).fetchall()]
                self._count_bad(cursor, keys, 0, removed=True)
                removed += self._drop(cursor, keys)
            if len(keys) < 1000:
                return removed

    def prune(self, before: int, limit: int) -> int:
        """Remove old jobs and workers; see the protocol."""
        # Looked for outside the write lock: there may be many queues. Some may have been requeued meanwhile.
        keys = json.dumps(self._done_before(before, limit))
        with self._lock, self._writing as cursor:
            rows = self._run(cursor, self._sql.still_done, keys=keys, before=before).fetchall()
            self._run(cursor, self._sql.drop_workers, before=before)
            self._run(cursor, self._sql.edges.drop_old_saved, before=before)
            removed = self._drop(cursor, [row[0] for row in rows])
            failpoints.point("prune.inside")
        return removed

    def _drop(self, cursor: Any, keys: Sequence[int]) -> int:
        sql = self._sql
        if keys:
            singles = [(key,) for key in keys]
            for statement in (sql.drop_payload, sql.drop_note, sql.drop_job):
                cursor.executemany(statement.text, singles)
            cursor.executemany(sql.drop_attempts.text, [span(key) for key in keys])
            self._untie(cursor, keys)
        return len(keys)


def _is_plain(new: NewJob) -> bool:
    return new.workflow is None and not new.after and new.beside is None


def _job_row(new: NewJob, now: int) -> tuple[Any, ...]:
    """Return the values of a job that is added, in the order in which `add_job` names them."""
    run_at, args = new.run_at, new.args
    return (
        new.id,
        new.task,
        new.queue,
        new.priority,
        _READY if run_at is None or run_at <= now else _SCHEDULED,
        now if run_at is None else run_at,
        new.expires_at,
        now,
        args if len(args) <= INLINE_ARGS else None,
        new.options,
    )


def _finish_row(done: Completion, now: int) -> dict[str, Any]:
    if done.state == JobState.RUNNING:
        raise ValueError(f"the completion of job {done.id} says RUNNING; an attempt that is over leaves that state")
    return {
        "k": done.key,
        "of_id": done.id,
        "token": done.run_token,
        "worker": done.owner,
        "to_state": int(done.state),
        "now": now,
        "at": done.run_at,
        "to_retries": done.retries,
        "to_crashes": done.crashes,
        "to_shown": done.shown,
        "uncharged": 0 if done.attempt is not None else 1,
        "as_role": done.role,
    }
