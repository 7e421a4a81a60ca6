"""The store's verbs in SQL, for any database whose subclass can connect, begin and tell its errors apart.

One connection serves a store object, under a lock: transactions are short, so that threads wait microseconds.
Hot verbs run text compiled once (`statements`) on the driver's cursor.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn

from sqlalchemy import Dialect, select

from localq import fault
from localq.exceptions import StoreError
from localq.job import (
    Attempt,
    Beat,
    Claim,
    Completion,
    Job,
    JobState,
    NewJob,
    Note,
    WorkerCard,
    WorkerRow,
)
from localq.store.base import Bell, Filter
from localq.store.bells import Ringer, UnixBell
from localq.store.schema import ATTEMPT_BITS, INLINE_ARGS, LAST_ATTEMPT, job
from localq.store.statements import Statement, job_columns, span, statements, waiting_columns

__all__ = ["SqlStore"]

#: SCHEDULED jobs made READY in one claim; more wait for the next.
_PROMOTED_AT_ONCE = 1000
_READY = int(JobState.READY)
_SCHEDULED = int(JobState.SCHEDULED)
_WORKER_BELL, _RESULT_BELL = "w", "r"


class _Transaction:
    """A transaction of a store: begins, and commits or rolls back; errors leave as StoreErrors.

    The store's lock is taken around it, by itself: a signal that hits on the way into `__exit__` must not leave
    the lock taken.
    """

    __slots__ = ("_store", "_write")

    def __init__(self, store: SqlStore, write: bool) -> None:
        self._store = store
        self._write = write

    def __enter__(self) -> Any:
        store = self._store
        try:
            cursor = store._cursor or store._connected()
            store._begin(cursor, self._write)
        except BaseException as error:
            store._rollback()
            store._raise(error)
        return cursor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        store = self._store
        if error is None:
            try:
                store._commit()
            except BaseException as failed:
                store._rollback()
                store._raise(failed)
        else:
            store._rollback()
            explained = store._explained(error)
            if explained is not error:
                raise explained from error
        return False


class SqlStore(ABC):
    """Jobs in a SQL database; the verbs are those of `localq.store.base.Store`."""

    #: Folder for presence files and bells, there once the store is open.
    folder: Path

    def __init__(self, dialect: Dialect) -> None:
        self._sql = statements(dialect)
        self._dialect = dialect
        self._lock = threading.RLock()
        self._cursor: Any = None
        self._ringer: Ringer | None = None
        self._writing = _Transaction(self, True)
        self._reading = _Transaction(self, False)
        assert self._sql.add_job.names == _JOB_ROW
        self._finish_values = self._sql.finish.order()

    # What a database must provide

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _begin(self, cursor: Any, write: bool) -> None: ...

    @abstractmethod
    def _write_one(self, text: str, values: tuple[Any, ...]) -> int: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None: ...

    @abstractmethod
    def _explained(self, error: BaseException) -> BaseException: ...

    @abstractmethod
    def changed(self) -> bool: ...

    @abstractmethod
    def tend(self, now: int) -> None: ...

    def _added(self, count: int) -> None:  # noqa: B027 - nothing to do is a fair answer
        """Do what is due after so many jobs were added, if no worker does it; raises nothing."""

    def _connected(self) -> Any:
        self.open()
        return self._cursor

    def _raise(self, error: BaseException) -> NoReturn:
        explained = self._explained(error)
        if explained is error:
            raise error
        raise explained from error

    @staticmethod
    def _run(cursor: Any, statement: Statement, **given: Any) -> Any:
        cursor.execute(statement.text, statement.values(given))
        return cursor

    # Adding

    def add(self, jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Add jobs, all or none; see the protocol."""
        if len(jobs) == 1 and len(jobs[0].args) <= INLINE_ARGS and not fault.armed():
            # One statement is a transaction of its own, and two round trips to SQLite less.
            with self._lock:
                return [self._write_one(self._sql.add_job.text, _job_row(jobs[0], now)) == 1]
        with self._lock, self._writing as cursor:
            added = self._insert(cursor, jobs, now)
            fault.point("enqueue.inside")
        self._added(len(jobs))
        return added

    def _insert(self, cursor: Any, jobs: Sequence[NewJob], now: int) -> list[bool]:
        text = self._sql.add_job.text
        rows = [_job_row(new, now) for new in jobs]
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
    ) -> Claim:
        """Take READY jobs; see the protocol."""
        sql = self._sql
        with self._lock, self._writing as cursor:
            if self._run(cursor, sql.holds, k=worker).fetchone() is None:
                return Claim([], None, held=False)
            next_at: int | None = self._run(cursor, sql.next_due).fetchone()[0]
            if next_at is not None and next_at <= now:
                self._run(cursor, sql.promote, now=now, most=_PROMOTED_AT_ONCE)
                next_at = self._run(cursor, sql.next_due).fetchone()[0]
            served = self._ready_queues(cursor) if queues is None else dict.fromkeys(queues)
            served = [name for name in served if name not in excluded]
            if limit <= 0 or not served:
                return Claim([], next_at)
            rows = self._take(cursor, served, worker, limit)
            if len(rows) > 1:
                rows.sort(key=lambda row: (-row[4], row[0]))
            jobs = [self._with_args(cursor, Job._make(row)) for row in rows]
            fault.point("claim.inside")
        return Claim(jobs, next_at)

    def _ready_queues(self, cursor: Any) -> list[str]:
        """Return the queues that have ready jobs, by skipping from one to the next in the index."""
        names: list[str] = []
        after = ""
        while True:
            found = self._run(cursor, self._sql.next_queue, after=after).fetchone()[0]
            if found is None:
                return names
            names.append(found)
            after = found

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

    def _with_args(self, cursor: Any, one: Job) -> Job:
        if one.args is not None:
            return one
        found = self._run(cursor, self._sql.payload, job=one.key).fetchone()
        return one._replace(args=found[0] if found else b"")

    # Finishing

    def finish(self, completions: Sequence[Completion], now: int) -> list[bool]:
        """Write what attempts came to; see the protocol."""
        if not completions:
            return []
        rows = [self._finish_values(_finish_row(done, now)) for done in completions]
        with self._lock, self._writing as cursor:
            text = self._sql.finish.text
            if len(rows) > 1:
                cursor.execute("SAVEPOINT every")
                cursor.executemany(text, rows)
                if cursor.rowcount == len(rows):
                    self._record(cursor, completions, now)
                    fault.point("finish.inside")
                    return [True] * len(rows)
                # Some was not held any more, and only one at a time tells which.
                cursor.execute("ROLLBACK TO every")
            applied = []
            for row in rows:
                cursor.execute(text, row)
                applied.append(cursor.rowcount == 1)
            self._record(cursor, [done for done, ok in zip(completions, applied, strict=True) if ok], now)
            fault.point("finish.inside")
            return applied

    def _record(self, cursor: Any, completions: Sequence[Completion], now: int) -> None:
        """Write the attempts, new arguments and follow-ups of completions that were applied."""
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
            if done.follow_ups:
                self._insert(cursor, done.follow_ups, now)

    def _replace_call(self, cursor: Any, done: Completion) -> None:
        assert done.args is not None
        inline = done.args if len(done.args) <= INLINE_ARGS else None
        self._run(cursor, self._sql.new_call, k=done.key, new_args=inline, new_options=done.options)
        self._run(cursor, self._sql.drop_payload, k=done.key)
        if inline is None:
            self._run(cursor, self._sql.add_payload, job=done.key, args=done.args)

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
        before: dict[str, JobState] = {}
        with self._lock, self._writing as cursor:
            for job_id in dict.fromkeys(ids):
                found = self._run(cursor, self._sql.by_id, of_id=job_id).fetchone()
                if found is None:
                    continue
                one = Job._make(found)
                before[job_id] = JobState(one.state)
                if one.state < JobState.RUNNING:
                    self._run(cursor, self._sql.cancel_waiting, k=one.key, now=now, signal=1 + signal)
                elif one.state == JobState.RUNNING:
                    self._run(cursor, self._sql.flag, k=one.key, signal=1 + signal)
        return before

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again; see the protocol."""
        with self._lock, self._writing as cursor:
            found = [self._run(cursor, self._sql.requeue, of_id=i, now=now).fetchone() for i in ids]
            again = [row for row in found if row is not None]
            cursor.executemany(self._sql.drop_note.text, [(key,) for key, _ in again])
        return [job_id for _, job_id in again]

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
                removed += self._drop(cursor, keys)
            if len(keys) < 1000:
                return removed

    def prune(self, before: int, limit: int) -> int:
        """Remove old jobs and workers; see the protocol."""
        with self._lock, self._writing as cursor:
            rows = self._run(cursor, self._sql.done_before, before=before, most=limit).fetchall()
            self._run(cursor, self._sql.drop_workers, before=before)
            removed = self._drop(cursor, [row[0] for row in rows])
            fault.point("prune.inside")
        return removed

    def _drop(self, cursor: Any, keys: Sequence[int]) -> int:
        sql = self._sql
        if keys:
            singles = [(key,) for key in keys]
            for statement in (sql.drop_payload, sql.drop_note, sql.drop_job):
                cursor.executemany(statement.text, singles)
            cursor.executemany(sql.drop_attempts.text, [span(key) for key in keys])
        return len(keys)

    # Workers

    def register(self, card: WorkerCard, now: int, lease_until: int) -> int:
        """Enter a worker; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(
                cursor,
                self._sql.register,
                uuid=card.uuid,
                boot_id=card.boot_id,
                card=json.dumps(card._asdict()),
                started_at=now,
                seen_at=now,
                lease_until=lease_until,
            )
            return int(cursor.lastrowid)

    def heartbeat(self, worker: int, running: Mapping[int, int], lease_until: int, now: int) -> Beat:
        """Renew a lease and compare; see the protocol."""
        sql = self._sql
        with self._lock, self._writing as cursor:
            self._run(cursor, sql.beat, k=worker, now=now, until=lease_until)
            if cursor.rowcount == 0:
                return Beat(False, tuple(running), {}, ())
            fault.point("beat.inside")
            owned = {
                key: (token, cancel) for key, token, cancel in self._run(cursor, sql.owned, worker=worker).fetchall()
            }
            stop = tuple(key for key, token in running.items() if key not in owned or owned[key][0] != token)
            known = {key for key, (token, _) in owned.items() if running.get(key) == token}
            cancel = {key: flag - 1 for key, (_, flag) in owned.items() if flag and key in known}
            strays = [key for key in owned if key not in known]
            found = [self._run(cursor, sql.by_key, k=key).fetchone() for key in strays]
            return Beat(True, stop, cancel, tuple(Job._make(row) for row in found))

    def workers(self) -> list[WorkerRow]:
        """Return all registered workers; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.workers).fetchall()
        return [
            WorkerRow(key, _card(card), started_at, seen_at, lease_until, bool(gone))
            for key, _, _, card, started_at, seen_at, lease_until, gone in rows
        ]

    def bury(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; see the protocol."""
        with self._lock, self._writing as cursor:
            for key in workers:
                self._run(cursor, self._sql.bury, k=key, now=now)

    def lost(self, lease_now: int, boot_id: str, limit: int) -> list[Job]:
        """Return jobs whose worker is no more; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.lost, lease_now=lease_now, boot=boot_id, most=limit).fetchall()
        return [Job._make(row) for row in rows]

    # Reading

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

    # Bells

    def worker_bell(self) -> Bell:
        """Return a bell for a worker; see the protocol."""
        return self._bell(_WORKER_BELL)

    def result_bell(self) -> Bell:
        """Return a bell for who waits for results; see the protocol."""
        return self._bell(_RESULT_BELL)

    def ring_workers(self, word: str = "") -> None:
        """Ring every worker's bell; see the protocol."""
        ringer = self._ringer or self._rings()
        if word:
            ringer.say(_WORKER_BELL, (word,))
        else:
            ringer.ring(_WORKER_BELL)

    def ring_waiters(self, ids: Iterable[str]) -> None:
        """Ring whoever waits for results; see the protocol."""
        (self._ringer or self._rings()).say(_RESULT_BELL, ids)

    def _bell(self, kind: str) -> UnixBell:
        with self._lock:
            if self._cursor is None:
                self.open()
        return UnixBell(self.folder, kind)

    def _rings(self) -> Ringer:
        with self._lock:
            if self._cursor is None:
                self.open()
            if self._ringer is None:
                self._ringer = Ringer(self.folder)
            return self._ringer


#: The order of an added job's values, that of the statement's text.
_JOB_ROW = ("id", "task", "queue", "priority", "state", "run_at", "expires_at", "created_at", "args", "options")


def _job_row(new: NewJob, now: int) -> tuple[Any, ...]:
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
    }


def _attempt(row: Sequence[Any]) -> Attempt:
    key, *rest = row
    return Attempt(key & LAST_ATTEMPT, *rest)


def _card(text: str) -> WorkerCard:
    try:
        said = json.loads(text)
        said["queues"] = None if said["queues"] is None else tuple(said["queues"])
        said["excluded"], said["tasks"] = tuple(said["excluded"]), tuple(said["tasks"])
        return WorkerCard(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"A worker's entry cannot be read: {error}. Run 'localq doctor'.") from error
