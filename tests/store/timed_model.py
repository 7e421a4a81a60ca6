"""The verbs about schedules in plain Python: what `test_model` holds every store against, beside `model`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from localq.model.job import NewJob
from localq.model.schedule import (
    FIRED,
    SKIPPED,
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

ACTIVE, PAUSED, ENDED, RETIRED = ScheduleState


class TimedModel:
    """Schedules by name. `key` is the store's own choice; what is not known yet is -1."""

    def __init__(
        self,
        add: Callable[[Iterable[NewJob], int], object],
        cancel: Callable[[Iterable[str], int, int], object],
    ) -> None:
        self.add_jobs, self.cancel_jobs = add, cancel
        self.rows: dict[str, Schedule] = {}
        self.before: dict[str, int] = {}
        self.ledgers: dict[str, dict[int, LedgerRow]] = {}

    def change(self, name: str, **fields: object) -> None:
        row = self.rows[name]
        self.rows[name] = row._replace(revision=row.revision + 1, **fields)

    def by_key(self, key: int) -> str | None:
        return next((name for name, row in self.rows.items() if row.key == key), None)

    # Defining

    def sync(self, source: str, wanted: Sequence[NewSchedule], now: int) -> list[SyncResult]:
        results = [self.define(new, now) for new in wanted]
        names = {new.name for new in wanted}
        for name, row in sorted(self.rows.items()):
            if row.source == source and name not in names and row.state != RETIRED:
                self.before[name] = row.state
                self.change(name, state=RETIRED, due_at=None, held_at=None, changed_at=now)
                results.append(SyncResult(name, SyncOutcome.RETIRED))
        return results

    def put(self, new: NewSchedule, now: int, replace: bool) -> bool:
        row = self.rows.get(new.name)
        if row is not None and row.state != RETIRED and not replace:
            return False
        return self.define(new, now).outcome != SyncOutcome.CONFLICT

    def define(self, new: NewSchedule, now: int) -> SyncResult:
        row = self.rows.get(new.name)
        if row is None:
            state = ENDED if new.next_at is None else ACTIVE
            times = (new.anchor_at, new.next_at, new.due_at)
            self.rows[new.name] = Schedule(-1, *new[:4], state, 1, *times, None, None, 0, 0, None, now, now, None)
            self.ledgers[new.name] = {}
            return SyncResult(new.name, SyncOutcome.ADDED)
        told = {"source": new.source, "spec": new.spec, "rule": new.rule, "changed_at": now}
        timed = {"anchor_at": new.anchor_at, "next_at": new.next_at, "due_at": new.due_at, "note": None}
        if row.state == RETIRED:
            was = ScheduleState(self.before.pop(new.name, ACTIVE))
            keeps = was == ENDED or (row.next_at is not None and row.next_at > now)
            if row.rule == new.rule and keeps:
                due_at = new.due_at if new.next_at == row.next_at else row.next_at
                self.change(new.name, state=was, due_at=due_at, **told)
            else:
                self.change(new.name, state=self.woken(was, new), **told, **timed)
            return SyncResult(new.name, SyncOutcome.RETURNED)
        if row.source != new.source:
            return SyncResult(new.name, SyncOutcome.CONFLICT, row.source)
        if row.rule != new.rule:
            self.change(new.name, state=self.woken(ScheduleState(row.state), new), **told, **timed)
            return SyncResult(new.name, SyncOutcome.CHANGED)
        if row.spec != new.spec:
            self.change(new.name, **told)
            return SyncResult(new.name, SyncOutcome.UPDATED)
        return SyncResult(new.name, SyncOutcome.KEPT)

    @staticmethod
    def woken(was: ScheduleState, new: NewSchedule) -> ScheduleState:
        if was == PAUSED:
            return PAUSED
        return ENDED if new.next_at is None else ACTIVE

    def set_state(self, name: str, state: ScheduleState, now: int, next_at: int | None, note: str | None) -> bool:
        if name in self.rows:
            self.change(name, state=state, next_at=next_at, due_at=next_at, note=note, changed_at=now)
        return name in self.rows

    def remove(self, name: str) -> bool:
        self.before.pop(name, None)
        self.ledgers.pop(name, None)
        return self.rows.pop(name, None) is not None

    # Firing

    def fire(self, firings: Iterable[Firing], now: int) -> list[bool]:
        applied, jobs, cancels = [], [], []
        for one in firings:
            name = self.by_key(one.schedule)
            row = None if name is None else self.rows[name]
            if name is None or row is None or (row.revision, row.state) != (one.revision, ACTIVE):
                applied.append(False)
                continue
            applied.append(True)
            written = self.enter(name, one.entries, now)
            again = sum(entry.outcome == FIRED for entry, ok in zip(one.entries, written, strict=True) if not ok)
            self.change(
                name,
                state=one.state,
                next_at=one.next_at,
                due_at=one.due_at,
                held_at=one.held_at,
                runs=row.runs + one.runs - min(again, one.runs),
                missed=row.missed + one.missed,
                note=row.note if one.note is None else one.note,
                **self.last(name),
            )
            jobs += self.allowed(one.jobs, one.entries, written)
            cancels.append((one.cancel, one.signal))
        self.add_jobs(jobs, now)
        for ids, signal in cancels:
            self.cancel_jobs(ids, now, signal)
        return applied

    def record(self, key: int, entries: Sequence[Entry], jobs: Iterable[NewJob], now: int) -> list[bool]:
        name = self.by_key(key)
        if name is None:
            return [False] * len(entries)
        written = self.enter(name, entries, now)
        if any(written):
            self.change(name, **self.last(name))
        self.add_jobs(self.allowed(jobs, entries, written), now)
        return written

    def enter(self, name: str, entries: Iterable[Entry], now: int) -> list[bool]:
        ledger, written = self.ledgers[name], []
        for entry in entries:
            there = ledger.get(entry.nominal)
            if there is None:
                ledger[entry.nominal] = LedgerRow(*entry, now)
            elif there.outcome == SKIPPED and entry.outcome == FIRED:
                ledger[entry.nominal] = LedgerRow(*entry, now)._replace(until=there.until, count=there.count)
            written.append(there is None or (there.outcome, entry.outcome) == (SKIPPED, FIRED))
        return written

    def last(self, name: str) -> Mapping[str, object]:
        fired = [kept for kept in self.ledgers[name].values() if kept.outcome == FIRED]
        if not fired:
            return {}
        latest = max(fired)
        return {"last_at": latest.nominal, "last_job": latest.job_id}

    @staticmethod
    def allowed(jobs: Iterable[NewJob], entries: Sequence[Entry], written: Sequence[bool]) -> list[NewJob]:
        refused = [one.job_id for one, ok in zip(entries, written, strict=True) if one.outcome == FIRED and not ok]
        return [new for new in jobs if new.id not in refused]

    # What can be seen

    def due(self, now: int, limit: int) -> Due:
        active = [row for row in self.rows.values() if row.state == ACTIVE]
        timed = sorted((row.due_at, row.key, row) for row in active if row.due_at is not None)
        due = [row for at, _, row in timed if at <= now][:limit]
        held = sorted((row.held_at, row.key, row) for row in active if row.held_at is not None and row not in due)
        rest = [at for at, _, row in timed if row not in due]
        return Due([*due, *(row for _, _, row in held)], min(rest, default=None))

    def ledger(self, name: str) -> list[LedgerRow]:
        return sorted(self.ledgers[name].values(), reverse=True)
