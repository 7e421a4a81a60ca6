"""Schedules as they go into another store, with their history, by the verbs that define and fire them."""

from __future__ import annotations

from itertools import groupby

from localq.model.clock import Clock
from localq.model.schedule import FIRED, Entry, Firing, LedgerRow, NewSchedule, Schedule, ScheduleState
from localq.monitor.moving.brake import is_held
from localq.store.protocol import Store

__all__ = ["is_whole", "ledger_of", "move_schedule"]

_LEDGER_AT_ONCE = 1000


def ledger_of(store: Store, name: str) -> list[LedgerRow]:
    """Return a schedule's whole ledger, the earliest instant first."""
    rows: list[LedgerRow] = []
    while page := store.schedules.ledger(name, _LEDGER_AT_ONCE, rows[-1].nominal if rows else None):
        rows += page
    return rows[::-1]


def move_schedule(source: Store, target: Store, row: Schedule, clock: Clock) -> bool:
    """Write a schedule that rests into another store, where it rests too; return False if another has its name there.

    May be called again after it was broken off at any point: what has been written is found, and the last step is one.
    """
    there = _found(target, row.name)
    if there is None:
        # Without a time at which it is due nobody fires it before it is whole.
        ahead = row.created_at if row.next_at is None else row.next_at
        new = NewSchedule(row.name, row.source, row.spec, row.rule, row.anchor_at, ahead, None)
        target.schedules.put(new, row.created_at, replace=False)
        there = _found(target, row.name)
    if there is None or not _is_same(there, row):
        return False
    if is_whole(there, row):
        return True
    if there.state != ScheduleState.ACTIVE:
        target.schedules.set_state(there.name, ScheduleState.ACTIVE, clock.now(), there.next_at, None)
    _write_ledger(source, target, there.key, row)
    _complete(target, row, clock)
    return True


def _found(store: Store, name: str) -> Schedule | None:
    found = store.schedules.find([name])
    return found[0] if found else None


def _is_same(there: Schedule, row: Schedule) -> bool:
    """Whether a schedule of the same name is the same one: nobody makes another in the same microsecond."""
    return (there.created_at, there.source, there.rule) == (row.created_at, row.source, row.rule)


def is_whole(there: Schedule, row: Schedule) -> bool:
    """Whether a schedule is in the other store all it is in the one."""
    kept = ("spec", "state", "next_at", "due_at", "held_at", "last_at", "last_job", "runs", "missed")
    return all(getattr(there, name) == getattr(row, name) for name in kept) and is_held(there) == is_held(row)


def _write_ledger(source: Store, target: Store, key: int, row: Schedule) -> None:
    ledger = ledger_of(source, row.name)
    for fired_at, rows in groupby(ledger, key=lambda one: one.fired_at):
        entries = [Entry(*one[:-1]) for one in rows]
        target.schedules.record(key, entries, (), fired_at)
    if row.last_at is not None and all((one.nominal, one.outcome) != (row.last_at, FIRED) for one in ledger):
        # Its ledger was pruned further than that.
        target.schedules.record(key, [Entry(row.last_at, FIRED, None, row.last_job)], (), row.last_at)


def _complete(target: Store, row: Schedule, clock: Clock) -> None:
    """Give a schedule its state, times and counts, in one step."""
    there = _found(target, row.name)
    assert there is not None
    firing = Firing(
        there.key,
        there.revision,
        (),
        (),
        (),
        row.next_at,
        row.due_at,
        row.held_at,
        ScheduleState(row.state),
        row.runs - there.runs,
        row.missed - there.missed,
        note=row.note,
    )
    target.schedules.fire([firing], clock.now())
