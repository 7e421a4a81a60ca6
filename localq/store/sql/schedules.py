"""The verbs about schedules and the ledger of what fired; see `localq.store.protocol.schedules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localq.model import failpoints
from localq.model.job import NewJob
from localq.model.schedule import (
    FIRED,
    LEDGER_KEPT,
    Due,
    Entry,
    Firing,
    LedgerRow,
    NewSchedule,
    Schedule,
    ScheduleState,
    SyncOutcome,
    SyncResult,
)
from localq.store.protocol.bells import CANCEL, Bells, Topic
from localq.store.schedule_sync import Kept, Step, check, defined, state_of, steps
from localq.store.sql.database import Database
from localq.store.sql.job_writer import JobWriter

__all__ = ["SqlSchedules"]

_WIDTH = len(Schedule._fields)
#: Later than any instant.
_ALWAYS = (1 << 63) - 1
#: Schedules defined in one transaction.
_DEFINED_AT_ONCE = 500
#: Looks at what a synchronisation has left to do: more than one where another program has come between.
_ROUNDS = 4
#: Schedules whose ledgers one pruning looks at.
_LEDGERS_AT_ONCE = 200


class SqlSchedules:
    """Schedules and their ledger."""

    def __init__(self, database: Database, writer: JobWriter, bells: Bells) -> None:
        self._db, self._writer, self._bells = database, writer, bells
        #: The key of the schedule whose ledger was looked at last when pruning.
        self._pruned_to = -1
        self._sql = database.dialect.texts.schedule

    # Defining

    def sync(self, source: str, wanted: Sequence[NewSchedule], now: int) -> list[SyncResult]:
        """Make a source's schedules those wanted; see the protocol."""
        check(source, wanted)
        by_name = {new.name: new for new in wanted}
        results: dict[str, SyncResult] = {}
        written = False
        with self._db.lock:
            for _ in range(_ROUNDS):
                with self._db.reading as cursor:
                    done = steps(self._there(cursor, source, wanted), source, wanted, now)
                results = {step.result.name: step.result for step in done} | results
                names = [step.result.name for step in done if step.writes]
                if not names:
                    break
                written = True
                for at in range(0, len(names), _DEFINED_AT_ONCE):
                    part = names[at : at + _DEFINED_AT_ONCE]
                    results |= self._define_named(source, part, by_name, now)
        if written:
            self._bells.ring(Topic.SCHEDULES)
        return list(results.values())

    def _define_named(
        self, source: str, names: Sequence[str], wanted: Mapping[str, NewSchedule], now: int
    ) -> dict[str, SyncResult]:
        """Bring some schedules up to date in one transaction: what was read before it may not be so any more."""
        with self._db.writing as cursor:
            done = steps(self._by_name(cursor, names), source, [wanted[one] for one in names if one in wanted], now)
            self._define(cursor, done, now)
            failpoints.point("sync.inside")
        return {step.result.name: step.result for step in done}

    def put(self, new: NewSchedule, now: int, *, replace: bool) -> bool:
        """Add or change one schedule; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            kept = self._named(cursor, new.name)
            if kept is not None and kept.row.state != ScheduleState.RETIRED and not replace:
                return False
            step = defined(kept, new, now)
            self._define(cursor, [step], now)
            failpoints.point("sync.inside")
        if step.writes:
            self._bells.ring(Topic.SCHEDULES)
        return step.result.outcome != SyncOutcome.CONFLICT

    def set_state(
        self,
        name: str,
        state: ScheduleState,
        now: int,
        next_at: int | None,
        due_at: int | None,
        note: str | None = None,
    ) -> bool:
        """Give a schedule a state and times; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            self._sql.set_state.run(
                cursor,
                of_name=name,
                to_state=int(state),
                to_next_at=next_at,
                to_due_at=due_at,
                to_note=note,
                now=now,
            )
            known = bool(cursor.rowcount == 1)
        if known:
            self._bells.ring(Topic.SCHEDULES)
        return known

    def remove(self, name: str) -> bool:
        """Remove a schedule and its ledger; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            found = self._sql.drop.run(cursor, of_name=name).fetchone()
            if found is not None:
                self._sql.drop_ledger.run(cursor, k=found[0])
        if found is not None:
            self._bells.ring(Topic.SCHEDULES)
        return found is not None

    def _there(self, cursor: Any, source: str, wanted: Sequence[NewSchedule]) -> Mapping[str, Kept]:
        """Return the schedules of a source, by name, and those of others whose names it wants."""
        rows = self._sql.of_source.run(cursor, of_source=source).fetchall()
        there = {kept.row.name: kept for kept in map(_kept, rows)}
        unknown = [new.name for new in wanted if new.name not in there]
        return there | self._by_name(cursor, unknown) if unknown else there

    def _by_name(self, cursor: Any, names: Sequence[str]) -> dict[str, Kept]:
        rows = self._sql.of_names.run(cursor, names=self._db.dialect.bound(names)).fetchall()
        return {kept.row.name: kept for kept in map(_kept, rows)}

    def _named(self, cursor: Any, name: str) -> Kept | None:
        found = self._sql.of_name.run(cursor, of_name=name).fetchone()
        return None if found is None else _kept(found)

    def _define(self, cursor: Any, done: Iterable[Step], now: int) -> None:
        sql = self._sql
        added = [
            sql.add.values(
                {**step.new._asdict(), "state": int(state_of(step.new)), "created_at": now, "changed_at": now}
            )
            for step in done
            if step.new is not None
        ]
        changed = [sql.write.values(_written(step.kept)) for step in done if step.kept is not None]
        cursor.executemany(sql.add.text, added)
        cursor.executemany(sql.write.text, changed)

    # Looking

    def find(
        self,
        names: Sequence[str] | None = None,
        states: Sequence[ScheduleState] | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Schedule]:
        """Return schedules by name; see the protocol."""
        sql, bound = self._sql, self._db.dialect.bound
        values = {"states": bound(map(int, ScheduleState if states is None else states)), "most": limit}
        if names is not None:
            values["names"] = bound(names)
        if after is None:
            statement = sql.found if names is None else sql.found_named
        else:
            values["after"] = after
            statement = sql.found_after if names is None else sql.found_named_after
        with self._db.lock, self._db.reading as cursor:
            return [Schedule._make(row) for row in statement.run(cursor, **values).fetchall()]

    def due(self, now: int, limit: int, sources: Sequence[str] | None = None) -> Due:
        """Return the schedules that need a look; see the protocol."""
        sql = self._sql
        of: dict[str, Any] = {}
        due_first, next_due, held = sql.due, sql.next_due, sql.held
        if sources is not None:
            of = {"sources": self._db.dialect.bound(sources)}
            due_first, next_due, held = sql.due_of, sql.next_due_of, sql.held_of
        with self._db.lock, self._db.reading as cursor:
            # One more than wanted tells when the others are due.
            rows = due_first.run(cursor, now=now, most=limit + 1, **of).fetchall()
            due = [Schedule._make(row) for row in rows]
            more = due.pop() if len(due) > limit else None
            at = more.due_at if more else next_due.run(cursor, now=now, **of).fetchone()[0]
            keys = {one.key for one in due}
            waiting = map(Schedule._make, held.run(cursor, **of).fetchall())
            return Due([*due, *(one for one in waiting if one.key not in keys)], at)

    # Firing

    def fire(self, firings: Sequence[Firing], now: int) -> list[bool]:
        """Write what the turns of schedules come to; see the protocol."""
        failpoints.point("fire.before")
        applied: list[bool] = []
        jobs: list[NewJob] = []
        with self._db.lock, self._db.writing as cursor:
            for one in firings:
                applied.append(self._advance(cursor, one))
                if applied[-1]:
                    jobs += self._enter(cursor, one, now)
            self._writer.insert(cursor, jobs, now)
            for one, ok in zip(firings, applied, strict=True):
                if ok and one.cancel:
                    self._writer.cancel(cursor, one.cancel, now, one.signal)
            failpoints.point("fire.inside")
        failpoints.point("fire.after")
        done = [one for one, ok in zip(firings, applied, strict=True) if ok]
        if jobs:
            self._bells.ring(Topic.WORK)
        if any(one.cancel for one in done):
            self._bells.ring(Topic.WORK, (CANCEL,))
        return applied

    def record(self, schedule: int, entries: Sequence[Entry], jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Fire instants by hand; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            if self._sql.knows.run(cursor, k=schedule).fetchone() is None:
                return [False] * len(entries)
            written = self._write_entries(cursor, schedule, entries, now)
            if any(written):
                at, job_id = _latest(entry for entry, ok in zip(entries, written, strict=True) if ok)
                self._sql.touch.run(cursor, k=schedule, at=at, job=job_id)
            added = _allowed(jobs, entries, written)
            self._writer.insert(cursor, added, now)
            failpoints.point("fire.inside")
        if added:
            self._bells.ring(Topic.WORK)
        return written

    def _advance(self, cursor: Any, one: Firing) -> bool:
        at, job_id = _latest(one.entries)
        self._sql.advance.run(
            cursor,
            k=one.schedule,
            of_revision=one.revision,
            at=at,
            job=job_id,
            to_state=int(one.state),
            to_next=one.next_at,
            to_due=one.due_at,
            to_held=one.held_at,
            to_note=one.note,
            more_runs=one.runs,
            more_missed=one.missed,
        )
        return bool(cursor.rowcount == 1)

    def _enter(self, cursor: Any, one: Firing, now: int) -> list[NewJob]:
        """Write a firing's entries; return those of its jobs that are to be added."""
        written = self._write_entries(cursor, one.schedule, one.entries, now)
        again = sum(entry.outcome == FIRED and not ok for entry, ok in zip(one.entries, written, strict=True))
        if again:
            found = self._sql.last_fired.run(cursor, k=one.schedule).fetchone()
            self._sql.recount.run(cursor, k=one.schedule, fewer=min(again, one.runs), at=found[0], job=found[1])
        return _allowed(one.jobs, one.entries, written)

    def _write_entries(self, cursor: Any, schedule: int, entries: Sequence[Entry], now: int) -> list[bool]:
        written = []
        for entry in entries:
            self._sql.enter.run(cursor, schedule=schedule, fired_at=now, **entry._asdict())
            written.append(cursor.rowcount == 1)
        return written

    # The ledger

    def ledger(self, name: str, limit: int, before: int | None = None) -> list[LedgerRow]:
        """Return what became of a schedule's instants; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            kept = self._named(cursor, name)
            if kept is None:
                return []
            until = _ALWAYS if before is None else before
            rows = self._sql.ledger.run(cursor, k=kept.row.key, before=until, most=limit).fetchall()
        return [LedgerRow._make(row) for row in rows]

    def prune(self, before: int, limit: int) -> int:
        """Remove old ledger rows; see the protocol."""
        with self._db.lock:
            with self._db.reading as cursor:
                full = self._full_ledgers(cursor)
            removed = 0
            if full:
                with self._db.writing as cursor:
                    for key, oldest_kept in full:
                        until, most = min(before, oldest_kept), limit - removed
                        self._sql.drop_old.run(cursor, k=key, before=until, most=most)
                        removed += cursor.rowcount
                        if removed >= limit:
                            # The rest of this one comes next.
                            self._pruned_to = key - 1
                            break
        return removed

    def _full_ledgers(self, cursor: Any) -> list[tuple[int, int]]:
        """Return, of the next few schedules, those with more rows than are kept, and the oldest instant kept."""
        sql, full = self._sql, []
        for _ in range(_LEDGERS_AT_ONCE):
            key = sql.next_with_ledger.run(cursor, after=self._pruned_to).fetchone()[0]
            if key is None:
                self._pruned_to = -1
                break
            self._pruned_to = key
            oldest = sql.oldest_kept.run(cursor, k=key, kept=LEDGER_KEPT - 1).fetchone()
            if oldest is not None:
                full.append((key, oldest[0]))
        return full


def _kept(row: Sequence[Any]) -> Kept:
    return Kept(Schedule._make(row[:_WIDTH]), row[_WIDTH])


def _written(kept: Kept) -> dict[str, Any]:
    values = {f"to_{name}": value for name, value in kept.row._asdict().items()}
    return {**values, "to_state_before": kept.before, "k": kept.row.key}


def _latest(entries: Iterable[Entry]) -> tuple[int | None, str | None]:
    """Return the latest instant fired, and its job."""
    fired = [entry for entry in entries if entry.outcome == FIRED]
    if not fired:
        return None, None
    last = max(fired, key=lambda entry: entry.nominal)
    return last.nominal, last.job_id


def _allowed(jobs: Sequence[NewJob], entries: Sequence[Entry], written: Sequence[bool]) -> list[NewJob]:
    """Return the jobs but for those of entries that had fired before."""
    refused = {entry.job_id for entry, ok in zip(entries, written, strict=True) if entry.outcome == FIRED and not ok}
    return [new for new in jobs if new.id not in refused]
