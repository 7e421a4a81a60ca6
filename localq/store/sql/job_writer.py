"""What writes jobs by statements on a cursor: adding, ending runs, cancelling, removing.

The transaction is the caller's, so that a schedule fires, or a program enqueues beside rows of its own, in
one transaction with what else they write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from localq.model.edges import Role
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Attempt, Completion
from localq.store.sql.database import NotAlone
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.edges import Edges
from localq.store.sql.layout import ATTEMPT_BITS, INLINE_ARGS, KEPT, LAST_ATTEMPT, span
from localq.store.sql.statement import ManyRows

__all__ = ["JobWriter", "Place", "attempt_row"]

_READY = int(JobState.READY)
_SCHEDULED = int(JobState.SCHEDULED)
#: The first of the final states.
_FINAL = int(JobState.SUCCEEDED)
_RUNNING = JobState.RUNNING
_AWAITED = Role.AWAITED
#: What a completion says beyond a job's state and its attempt: where that begins, and how it is where there is none.
_MORE_FROM = Completion._fields.index("attempt") + 1
_NO_MORE = tuple(Completion._field_defaults[name] for name in Completion._fields[_MORE_FROM:])
#: Where a job is: its key, and its role in edges, which decides what its end means for others.
Place = tuple[int, int]
#: Places remembered; more are of jobs that never end here.
_MOST_TAKEN = 20_000
#: Bytes of arguments that no driver is to keep for longer than it needs them; of results it is those of many rows.
_LARGE = 1 << 22
#: Places of values in a row of `finish`; see `_finish_row`.
_KEY, _ID, _ROLE = 0, 1, 11
#: In the place of an attempt's values, where there is none.
_NOT_KEPT = (None,) * len(KEPT)


class JobWriter:
    """Writes jobs of a dialect's database.

    Attributes:
        taken: Where the jobs are that were claimed here: to look for each by its id when it ends would make a claim
            and its end a seventh slower. A hint only: what is not in here, or not so any more, is read.
    """

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self.edges = Edges(dialect)
        self.taken: dict[str, Place] = {}
        self._sql = dialect.texts.job

    # Adding

    def insert(self, cursor: Any, jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Add jobs and what they wait for; return for each whether it is new."""
        rows = [plain_row(new, now) for new in jobs]
        if all(map(is_plain, jobs)):
            return self._insert_rows(cursor, jobs, self._sql.add_job, rows)
        awaited = {edge.awaited for new in jobs for edge in new.after}
        rows = [self.edges.member_row(new, row, awaited) for new, row in zip(jobs, rows, strict=True)]
        added = self._insert_rows(cursor, jobs, self._sql.add_member, rows)
        self.edges.tie(cursor, jobs, added, now)
        return added

    def _insert_rows(
        self, cursor: Any, jobs: Sequence[NewJob], statement: ManyRows, rows: Sequence[tuple[Any, ...]]
    ) -> list[bool]:
        added = statement.hits(cursor, rows)
        for new, is_new in zip(jobs, added, strict=True):
            if is_new and len(new.args) > INLINE_ARGS:
                self._add_payload(cursor, new.id, new.args)
        return added

    def _add_payload(self, cursor: Any, job_id: str, args: bytes) -> None:
        self._sql.add_payload.run(cursor, of_id=job_id, args=args)
        if len(args) > _LARGE:
            self._dialect.let_go(cursor, self._sql.add_payload)

    # Ending runs

    def took(self, jobs: Iterable[Job]) -> None:
        """Remember where jobs are that were claimed."""
        if len(self.taken) > _MOST_TAKEN:
            self.taken.clear()
        self.taken.update([(one.id, (one.key, one.role)) for one in jobs])

    def end(self, cursor: Any, completions: Sequence[Completion], now: int, *, alone: bool) -> Sequence[Place | None]:
        """Write what attempts came to; return of each where its job is, with the role by now; None: not applied.

        Raises:
            NotAlone: what waits for a job is told by one at a time.
        """
        finish, taken = self._sql.finish, self.taken
        places = [taken.pop(done.id, None) or self._place_of(cursor, done) for done in completions]
        if not alone and not all(map(_concerns_no_other, completions, places)):
            raise NotAlone
        # Of two reports of one job it could not be told which was written.
        if None not in places and len({done.id for done in completions}) == len(completions):
            held = list(zip(completions, cast(list[Place], places), strict=True))
            applied = finish.hits(cursor, [_finish_row(done, place, now) for done, place in held])
        else:
            applied = [False] * len(places)
        if not all(applied):
            # Some may be elsewhere by now, or not held any more.
            places = [
                place if hit else self._end_one(cursor, done, place, now, alone)
                for hit, done, place in zip(applied, completions, places, strict=True)
            ]
        ended = zip(completions, places, strict=True)
        self._record(cursor, [(done, place) for done, place in ended if place is not None], now)
        return places

    def whole_rows(self, completions: Sequence[Completion], now: int) -> list[tuple[Any, ...]] | None:
        """Return what `finish_whole` writes of runs that end for good and change nothing else; None: there is more."""
        rows = []
        if len({done.id for done in completions}) < len(completions):
            return None
        for done in completions:
            place = self.taken.get(done.id)
            if place is None or place[1] & Role.AWAITED or not _ends_alone(done):
                return None
            kept = _NOT_KEPT if done.attempt is None else attempt_row(place[0], done.attempt)
            rows.append(_finish_row(done, place, now) + kept)
        return rows if self._sql.finish_whole.few_bytes(rows) else None

    def forget_taken(self, row: Sequence[Any]) -> Place:
        """Forget a job that one of these rows has ended; return where it is."""
        self.taken.pop(row[_ID], None)
        return row[_KEY], row[_ROLE]

    def _place_of(self, cursor: Any, done: Completion) -> Place | None:
        found = self._sql.place_of.run(cursor, of_id=done.id).fetchone()
        return None if found is None else (found[0], found[1])

    def _end_one(self, cursor: Any, done: Completion, place: Place | None, now: int, alone: bool) -> Place | None:
        """Move one job; return where it is, or None if it was not held."""
        while place is not None:
            if self._sql.finish.hit(cursor, _finish_row(done, place, now)):
                return place
            before, place = place, self._place_of(cursor, done)
            if place == before:
                return None
            if not alone and not _concerns_no_other(done, place):
                raise NotAlone
        return None

    def _record(self, cursor: Any, ended: Sequence[tuple[Completion, Place]], now: int) -> None:
        """Write the attempts, new arguments and follow-ups of completions that were applied; count down first.

        What follows may wait for what has just ended: for that it must be over already.
        """
        awaited = [(place[0], done.state) for done, place in ended if place[1] & _AWAITED]
        if awaited:
            self.edges.count(cursor, awaited, now)
        rows = [attempt_row(place[0], done.attempt) for done, place in ended if done.attempt is not None]
        if rows:
            self._sql.add_attempt.run(cursor, rows)
            if not self._sql.add_attempt.few_bytes(rows):
                self._dialect.let_go(cursor, self._sql.add_attempt.one)
        for done, (key, role) in ended:
            if done[_MORE_FROM:] == _NO_MORE and done.state >= _FINAL:
                continue
            if done.queue is not None or done.priority is not None:
                self._sql.new_place.run(cursor, k=key, new_queue=done.queue, new_priority=done.priority)
            if done.args is not None:
                self._replace_call(cursor, key, role, done)
            if not done.state.final:
                # The next run starts with nothing said.
                self._sql.drop_note.run(cursor, k=key)
            if done.replaced is None:
                if done.follow_ups:
                    self.insert(cursor, done.follow_ups, now)
            elif self.edges.put_in_place(cursor, key, done, now):
                added = self.insert(cursor, done.follow_ups, now)
                self.edges.tie(cursor, [done.replaced], [True], now)
                if not all(added):
                    # What was there already may wait for this very job.
                    self.edges.cut_circles(cursor, key, now)

    def _replace_call(self, cursor: Any, key: int, role: int, done: Completion) -> None:
        assert done.args is not None
        inline = done.args if len(done.args) <= INLINE_ARGS else None
        self._sql.new_call.run(cursor, k=key, new_args=inline, new_options=done.options)
        self._sql.drop_payload.run(cursor, k=key)
        if inline is None:
            self._add_payload(cursor, done.id, done.args)
        if role & Role.FED:
            # What it got of others is among the new arguments.
            self._sql.whole_call.run(cursor, k=key)

    # Cancelling and removing

    def cancel(self, cursor: Any, ids: Sequence[str], now: int, signal: int) -> dict[str, JobState]:
        """Cancel jobs; the flag kept is 1 for no signal, else the signal's number plus one."""
        before: dict[str, JobState] = {}
        awaited: list[int] = []
        for job_id in dict.fromkeys(ids):
            # A run may end at this moment, beside the transaction: from here on it waits.
            found = self._sql.standing.run(cursor, of_id=job_id).fetchone()
            if found is None:
                continue
            key, state, role = found
            before[job_id] = JobState(state)
            if state < JobState.RUNNING:
                self._sql.cancel_waiting.run(cursor, k=key, now=now, signal=1 + signal)
                if role & Role.AWAITED:
                    awaited.append(key)
            elif state == JobState.RUNNING:
                self._sql.flag.run(cursor, k=key, signal=1 + signal)
        self.edges.count_bad(cursor, awaited, now)
        return before

    def drop(self, cursor: Any, keys: Sequence[int]) -> int:
        """Remove jobs with all they hold; return how many."""
        sql = self._sql
        if keys:
            singles = [(key,) for key in keys]
            for statement in (sql.drop_payload, sql.drop_note, sql.drop_job):
                cursor.executemany(statement.text, singles)
            cursor.executemany(sql.drop_attempts.text, [span(key) for key in keys])
            self.edges.untie(cursor, keys)
        return len(keys)


def is_plain(new: NewJob) -> bool:
    """Whether a job has nothing to do with others."""
    return new.workflow is None and not new.after and new.beside is None


def by_themselves(jobs: Sequence[NewJob]) -> bool:
    """Whether jobs have to do with each other at most, and with none that is there already."""
    ids = {new.id for new in jobs}
    return all(new.beside is None and all(edge.awaited in ids for edge in new.after) for new in jobs)


def _concerns_no_other(done: Completion, place: Place | None) -> bool:
    """Whether nothing but a job itself is changed by its end."""
    if done.replaced is not None or not all(map(is_plain, done.follow_ups)):
        return False
    return place is None or not place[1] & Role.AWAITED


def _ends_alone(done: Completion) -> bool:
    """Whether nothing but a job's state and its attempt is to be written."""
    return done.state >= _FINAL and done[_MORE_FROM:] == _NO_MORE


def plain_row(new: NewJob, now: int) -> tuple[Any, ...]:
    """Return the values of a job that is added; see `ADDED`."""
    run_at, args = new.run_at, new.args
    return (
        new.id,
        args if len(args) <= INLINE_ARGS else None,
        new.task,
        new.queue,
        new.priority,
        _READY if run_at is None or run_at <= now else _SCHEDULED,
        now if run_at is None else run_at,
        new.expires_at,
        now,
        new.options,
    )


def attempt_row(key: int, run: Attempt) -> tuple[Any, ...]:
    """Return the values of an attempt of a job (by key); see `KEPT`."""
    number, worker, started_at, ended_at, ending, result, failed, peak_kb, output = run
    key = key << ATTEMPT_BITS | (number if number < LAST_ATTEMPT else LAST_ATTEMPT)
    return key, started_at, ended_at, result, peak_kb, worker, ending, failed, output


def _finish_row(done: Completion, place: Place, now: int) -> tuple[Any, ...]:
    """Return what is said of a job that ends, in the order in which `finish` names it."""
    if done.state == _RUNNING:
        raise ValueError(f"the completion of job {done.id} says RUNNING; an attempt that is over leaves that state")
    return (
        place[0],
        done.id,
        done.run_token,
        done.run_at,
        done.owner,
        int(done.state),
        now,
        done.retries,
        done.crashes,
        done.shown,
        0 if done.attempt is not None else 1,
        place[1],
    )
