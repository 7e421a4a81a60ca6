"""What tests of schedules start from: definitions and firings with everything filled in."""

from __future__ import annotations

from typing import Any

from localq.model.job import NewJob
from localq.model.schedule import FIRED, SKIPPED, Entry, Firing, NewSchedule, Schedule, ScheduleState
from tests.store.given import NOW, SECOND, new, snapshot

CONFIG = "config:shop"
MINUTE = 60 * SECOND


def defined(name: str = "mail", **more: Any) -> NewSchedule:
    """Return a schedule's definition; it is due now, and `due_at` is as `next_at` where not given."""
    given = {
        "name": name,
        "source": CONFIG,
        "spec": '{"task":"shop.mail"}',
        "rule": "every minute",
        "anchor_at": NOW,
        "next_at": NOW,
        **more,
    }
    return NewSchedule(**{"due_at": given["next_at"], **given})


def there(store: Any, *definitions: NewSchedule) -> list[Schedule]:
    """Put schedules into a store and return them, in the order given."""
    for one in definitions:
        assert store.schedules.put(one, NOW, replace=False)
    return [row(store, one.name) for one in definitions]


def row(store: Any, name: str = "mail") -> Schedule:
    """Return a schedule as the store has it now."""
    (found,) = store.schedules.find([name])
    return Schedule._make(found)


def state(store: Any, name: str = "mail") -> ScheduleState:
    """Return a schedule's state."""
    return ScheduleState(row(store, name).state)


def job_of(name: str, nominal: int) -> NewJob:
    """Return the job of an instant: the same whoever computes it."""
    return new(f"{name}@{nominal}")


def fired(name: str, nominal: int) -> Entry:
    """Return the entry of an instant whose job is `job_of` it."""
    return Entry(nominal, FIRED, None, f"{name}@{nominal}")


def skipped(nominal: int, reason: str = "late", **more: Any) -> Entry:
    """Return the entry of an instant that did not fire."""
    return Entry(nominal, SKIPPED, reason, **more)


def turn(one: Schedule, *nominals: int, **more: Any) -> Firing:
    """Return the firing of some instants, by default of the next; the one after is a minute later."""
    instants = nominals or ((one.next_at or 0),)
    next_at = more.get("next_at", max(instants) + MINUTE)
    return Firing(
        **{
            "schedule": one.key,
            "revision": one.revision,
            "entries": tuple(fired(one.name, at) for at in instants),
            "jobs": tuple(job_of(one.name, at) for at in instants),
            "cancel": (),
            "next_at": next_at,
            "due_at": next_at,
            "runs": len(instants),
            **more,
        }
    )


def everything(store: Any) -> list[Any]:
    """Return all that can be seen of the jobs and schedules in a store."""
    return [*snapshot(store), *timetable(store)]


def timetable(store: Any) -> list[Any]:
    """Return all that can be seen of the schedules in a store."""
    rows = store.schedules.find()
    return [rows, [store.schedules.ledger(one.name, 1000) for one in rows]]
