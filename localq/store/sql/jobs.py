"""The verbs that write jobs, each a transaction; see `localq.store.protocol.jobs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localq.model import failpoints
from localq.model.edges import Role
from localq.model.job import JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.rates import NO_RATES, Rate
from localq.model.worker import Claim, Served
from localq.store.protocol.bells import CANCEL, Bells, Topic
from localq.store.protocol.jobs import Added, Finished
from localq.store.sql.claiming import JobTaker, with_args
from localq.store.sql.database import Database, NotAlone
from localq.store.sql.history import remember
from localq.store.sql.job_writer import JobWriter, Place, by_themselves, is_plain, plain_row
from localq.store.sql.layout import INLINE_ARGS
from localq.store.sql.old_jobs import OldJobs

__all__ = ["SqlJobs"]

#: Plain numbers: every job that ends is asked.
_READY, _FINAL = int(JobState.READY), int(JobState.SUCCEEDED)
#: Jobs removed from a queue in one transaction.
_PURGED_AT_ONCE = 1000


class SqlJobs:
    """Jobs as they are written."""

    def __init__(self, database: Database, writer: JobWriter, bells: Bells) -> None:
        self._db, self._writer, self._bells = database, writer, bells
        self._taker = JobTaker(database.dialect, writer.edges)
        self._old = OldJobs(database)
        self._sql = database.dialect.texts.job

    def add(self, jobs: Sequence[NewJob], now: int) -> list[Added]:
        """Add jobs, all or none; see the protocol."""
        if len(jobs) == 1:
            (new,) = jobs
            if is_plain(new) and len(new.args) <= INLINE_ARGS and not failpoints.armed():
                # One statement is a transaction of its own, and two round trips to SQLite less.
                text, values = self._plain(new, now)
                with self._db.lock:
                    written = self._db.write_one(text, values)
                self._bells.ring(Topic.WORK)
                return [Added(new.id, written == 1)]
        added = self._added(jobs, now)
        self._db.added(len(jobs))
        failpoints.point("enqueue.after")
        self._bells.ring(Topic.WORK)
        return [Added(new.id, is_new) for new, is_new in zip(jobs, added, strict=True)]

    def _plain(self, new: NewJob, now: int) -> tuple[str, tuple[Any, ...]]:
        """Return the statement that adds a job, and its values."""
        row = plain_row(new, now)
        if new.expires_at is not None or new.options is not None:
            return self._sql.add_job.one.text, self._sql.add_job.for_one(row)
        job_id, args, task, queue, priority, state, run_at, _, created_at, _ = row
        # Neither None nor bytes: SQLite's driver looks long for somebody's way to adapt them.
        return self._sql.add_plain.text, (job_id, task, queue, priority, state, run_at, created_at, bytearray(args))

    def _added(self, jobs: Sequence[NewJob], now: int) -> Sequence[bool]:
        if self._at_once and all(is_plain(new) and len(new.args) <= INLINE_ARGS for new in jobs):
            return self._db.write_rows(self._sql.add_job, [plain_row(new, now) for new in jobs])
        return self._db.beside_others(lambda cursor, alone: self._insert(cursor, jobs, now, alone))

    @property
    def _at_once(self) -> bool:
        """Whether what concerns no other job is written by one statement, which waits for nobody."""
        return self._db.together and not failpoints.armed()

    def _insert(self, cursor: Any, jobs: Sequence[NewJob], now: int, alone: bool) -> list[bool]:
        if not alone and not by_themselves(jobs):
            raise NotAlone
        added = self._writer.insert(cursor, jobs, now)
        if not alone and not all(added) and not all(map(is_plain, jobs)):
            # What was there already may wait for others, or have ended.
            raise NotAlone
        failpoints.point("enqueue.inside")
        return added

    def claim(
        self, worker: int, served: Served, limit: int, now: int, rates: Mapping[str, Rate] | None = NO_RATES
    ) -> Claim:
        """Take READY jobs; see the protocol."""
        claim = self._db.beside_others(
            lambda cursor, alone: self._claim(cursor, worker, served, limit, now, rates, alone=alone)
        )
        return claim if all(one.args is not None for one in claim.jobs) else self._with_long_args(claim)

    def _with_long_args(self, claim: Claim) -> Claim:
        """Return a claim with the arguments that lie apart: read once the jobs are its own, so that no writer waits.

        Whoever dies or fails before it has read them holds jobs that are in no hand, as after any claim.
        """
        with self._db.lock, self._db.reading as cursor:
            return claim._replace(jobs=[with_args(cursor, self._sql, one) for one in claim.jobs])

    def _claim(self, cursor: Any, *asked: Any, alone: bool) -> Claim:
        claim = self._taker.claim(cursor, *asked, alone=alone)
        self._writer.took(claim.jobs)
        failpoints.point("claim.inside")
        return claim

    def finish(self, completions: Sequence[Completion], now: int) -> Finished:
        """Write what attempts came to; see the protocol."""
        if not completions:
            return Finished([])
        ended = self._ended(completions, now)
        failpoints.point("finish.after")
        finished, final = _finished(completions, ended)
        if final:
            self._bells.ring(Topic.RESULTS, final)
        if finished.ready or finished.freed:
            self._bells.ring(Topic.WORK)
        return finished

    def _ended(self, completions: Sequence[Completion], now: int) -> Sequence[Place | None]:
        rows = self._writer.whole_rows(completions, now) if self._at_once else None
        if rows is None:
            return self._db.beside_others(lambda cursor, alone: self._end(cursor, completions, now, alone))
        hits = self._db.write_rows(self._sql.finish_whole, rows)
        missed = [done for done, hit in zip(completions, hits, strict=True) if not hit]
        # They are elsewhere by now, or not held any more.
        others = iter(
            self._db.beside_others(lambda cursor, alone: self._end(cursor, missed, now, alone)) if missed else ()
        )
        return [self._writer.forget_taken(row) if hit else next(others) for row, hit in zip(rows, hits, strict=True)]

    def _end(self, cursor: Any, completions: Sequence[Completion], now: int, alone: bool) -> Sequence[Place | None]:
        ended = self._writer.end(cursor, completions, now, alone=alone)
        failpoints.point("finish.inside")
        return ended

    def note(self, notes: Sequence[Note], now: int) -> None:
        """Keep what unfinished jobs say of themselves; see the protocol."""
        self._db.beside_others(lambda cursor, _: self._note(cursor, notes, now))

    def _note(self, cursor: Any, notes: Sequence[Note], now: int) -> None:
        for said in notes:
            found = self._sql.note_shown.run(cursor, of_id=said.id, to_shown=said.shown).fetchone()
            if found is not None and said.meta is not None:
                self._sql.add_note.run(cursor, job=found[0], meta=said.meta, noted_at=now)

    def cancel(self, ids: Sequence[str], now: int, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs; see the protocol."""
        before = self._db.alone(lambda cursor: self._writer.cancel(cursor, ids, now, signal))
        self._bells.ring(Topic.WORK, (CANCEL,))
        self._bells.ring(Topic.RESULTS, [job_id for job_id, state in before.items() if not state.final])
        return before

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            found = [self._sql.requeue.run(cursor, of_id=i, now=now).fetchone() for i in ids]
            again = [row for row in found if row is not None]
            cursor.executemany(self._sql.drop_note.text, [(key,) for key, *_ in again])
            tied = [key for key, _, role, workflow in again if role or workflow is not None]
            also = self._writer.edges.revive(cursor, tied, now) if tied else []
        self._bells.ring(Topic.WORK)
        return [job_id for _, job_id, *_ in again] + also

    def forget(self, ids: Sequence[str]) -> int:
        """Remove finished jobs; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            unique = dict.fromkeys(ids)
            found = [self._sql.final_key.run(cursor, of_id=i).fetchone() for i in unique]
            gone = [row[0] for row in found if row is not None]
            remember(cursor, self._db.dialect, gone)
            return self._writer.drop(cursor, gone)

    def purge(self, queues: Sequence[str] | None) -> int:
        """Remove jobs that wait; see the protocol."""
        waiting = self._sql.waiting_keys if queues is None else self._sql.waiting_keys_in
        of = {} if queues is None else {"names": self._db.dialect.bound(queues)}
        removed = 0
        while True:
            with self._db.lock, self._db.writing as cursor:
                keys = [row[0] for row in waiting.run(cursor, most=_PURGED_AT_ONCE, **of).fetchall()]
                self._writer.edges.count_bad(cursor, keys, 0, removed=True)
                removed += self._writer.drop(cursor, keys)
            if len(keys) < _PURGED_AT_ONCE:
                return removed

    def prune(self, before: int, limit: int) -> int:
        """Remove old jobs, workers and groups; see the protocol."""
        # Looked for outside the write lock: there may be many queues. Some may have been requeued meanwhile.
        found = self._old.before(before, limit)
        with self._db.lock, self._db.writing as cursor:
            gone = self._old.still(cursor, found, before)
            remember(cursor, self._db.dialect, gone)
            removed = self._writer.drop(cursor, gone)
            failpoints.point("prune.inside")
        return removed

    def backlog(self, served: Served, most: int) -> int:
        """Return the number of READY jobs, up to `most`; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            return self._taker.backlog(cursor, served, most)


def _finished(completions: Sequence[Completion], ended: Sequence[Place | None]) -> tuple[Finished, list[str]]:
    """Return what came of completions, and the ids of the jobs whose results are there."""
    held = [done for done, place in zip(completions, ended, strict=True) if place is not None]
    final = [done.id for done in held if done.state >= _FINAL]
    ready, next_at = any(done.follow_ups for done in held), None
    freed = any(place is not None and place[1] & Role.AWAITED for place in ended)
    if len(final) < len(held):
        ready = ready or any(done.state == _READY for done in held)
        next_at = min((done.run_at for done in held if done.state == JobState.SCHEDULED), default=None)
    applied = [True] * len(ended) if len(held) == len(ended) else [place is not None for place in ended]
    return Finished(applied, ready, freed, next_at), final
