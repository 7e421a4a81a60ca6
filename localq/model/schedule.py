"""What the store keeps of schedules: the values that travel between the scheduler and the store.

A schedule is a named rule in time. Each instant it is due at is recorded once, in the ledger, as fired or skipped.
All values are frozen. Times are integer microseconds since 1970, UTC. What a rule says, and which instant follows
which, is nothing the store knows: `spec` and `rule` are text that it only compares.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

from localq.model.job import NewJob

__all__ = [
    "FIRED",
    "LEDGER_KEPT",
    "SKIPPED",
    "Due",
    "Entry",
    "Firing",
    "LedgerRow",
    "NewSchedule",
    "Schedule",
    "ScheduleState",
    "SyncOutcome",
    "SyncResult",
]

#: The outcomes of a ledger entry.
FIRED, SKIPPED = "fired", "skipped"
#: Ledger rows of each schedule that are kept however old they are.
LEDGER_KEPT = 1000


class ScheduleState(IntEnum):
    """Where a schedule is. Numbers are stored; only an ACTIVE one fires."""

    ACTIVE = 0
    PAUSED = 1
    #: No further instant will come.
    ENDED = 2
    #: Taken out of the configuration it came from; its history is kept.
    RETIRED = 3


class NewSchedule(NamedTuple):
    """A schedule as it is defined.

    `source` says who defines it, such as "config:proj" or "run-time"; nobody else may change it. `spec` is all that
    defines it, `rule` the part of that its times follow from: while that text stays the same, so do the times.
    `next_at` is its next instant, None if there is none any more; `due_at` is when that is to fire (with jitter).
    """

    name: str
    source: str
    spec: str
    rule: str
    anchor_at: int
    next_at: int | None
    due_at: int | None


class Schedule(NamedTuple):
    """A schedule as the store has it.

    `key` is the store's own handle, never given twice. `revision` grows with every write to the schedule: a firing
    names the one it was computed from. `last_at` is the latest instant that fired, `last_job` the job of it. `runs`
    and `missed` are counts. `held_at` is an instant that waits for the previous job to end.
    """

    key: int
    name: str
    source: str
    spec: str
    rule: str
    state: int
    revision: int
    anchor_at: int
    next_at: int | None
    due_at: int | None
    last_at: int | None
    last_job: str | None
    runs: int
    missed: int
    held_at: int | None
    created_at: int
    changed_at: int
    note: str | None


class Due(NamedTuple):
    """The schedules that need a look, and the earliest `due_at` of the ACTIVE ones that are not due among them."""

    schedules: list[Schedule]
    next_due: int | None


class Entry(NamedTuple):
    """What became of an instant, or of a range of instants that were all skipped.

    `nominal` is the instant, without jitter, or the first of the range; `until` is the last of the range, None for a
    single instant; `count` is how many there are. `outcome` is FIRED, with `job_id`, or SKIPPED, with the `reason`.
    """

    nominal: int
    outcome: str = FIRED
    reason: str | None = None
    job_id: str | None = None
    until: int | None = None
    count: int = 1  # type: ignore[assignment] # the tuple method of this name counts nothing here


class LedgerRow(NamedTuple):
    """An entry of the ledger as kept; `fired_at` is when it was written.

    Where the first of a skipped range was fired later, by hand, `until` and `count` are still those of the range.
    """

    nominal: int
    outcome: str
    reason: str | None
    job_id: str | None
    until: int | None
    count: int  # type: ignore[assignment] # as above
    fired_at: int


class Firing(NamedTuple):
    """What a schedule's turn comes to: all of it is written, or nothing.

    Accepted only while the schedule, by its key, is ACTIVE at `revision`. `jobs` are those the fired entries name,
    by id. `next_at`, `due_at`, `held_at` and `state` are as they shall be then; `runs` and `missed` are added to the
    counts. `cancel` are ids of jobs to cancel, with `signal` as of `Store.cancel`. `note` None leaves the note.
    """

    schedule: int
    revision: int
    entries: tuple[Entry, ...]
    jobs: tuple[NewJob, ...]
    cancel: tuple[str, ...]
    next_at: int | None
    due_at: int | None
    held_at: int | None = None
    state: ScheduleState = ScheduleState.ACTIVE
    runs: int = 0
    missed: int = 0
    signal: int = 0
    note: str | None = None


class SyncOutcome(StrEnum):
    """What a synchronisation did to a schedule."""

    ADDED = "added"
    #: Nothing differed.
    KEPT = "kept"
    #: It is defined otherwise, but its rule and its times are the same.
    UPDATED = "updated"
    #: Its rule is another one, and so are its times.
    CHANGED = "changed"
    #: It had been retired.
    RETURNED = "returned"
    RETIRED = "retired"
    #: The name belongs to another source; nothing was written.
    CONFLICT = "conflict"


class SyncResult(NamedTuple):
    """What became of one name; `holder` is the source that holds it, of a CONFLICT."""

    name: str
    outcome: SyncOutcome
    holder: str | None = None
