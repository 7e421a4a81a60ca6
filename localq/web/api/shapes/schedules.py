"""Schedules, and what became of their instants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from localq.web.api.shapes.common import Cursor

__all__ = [
    "Backfill",
    "Ledger",
    "LedgerAsked",
    "LedgerEntry",
    "Schedule",
    "ScheduleAdded",
    "ScheduleDetail",
    "ScheduleEdited",
    "Schedules",
    "SchedulesAsked",
]

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Rule = Annotated[str, Meta(min_length=1, max_length=300)] | Annotated[float, Meta(gt=0, le=3e9)]
Seconds = Annotated[float, Meta(ge=0, le=3e9)]
Missed = Literal["latest", "skip", "all"]
Overlap = Literal["allow", "skip", "queue", "cancel"]


class _Terms(Struct, forbid_unknown_fields=True, kw_only=True):
    queue: Name | UnsetType | None = UNSET
    priority: Annotated[int, Meta(ge=0, le=9)] | UnsetType | None = UNSET
    zone: Name | UnsetType | None = UNSET
    missed: Missed | UnsetType | None = UNSET
    overlap: Overlap | UnsetType | None = UNSET
    jitter: Seconds | UnsetType | None = UNSET
    start: datetime | UnsetType | None = UNSET
    end: datetime | UnsetType | None = UNSET
    max_runs: Annotated[int, Meta(ge=1, lt=2**53)] | UnsetType | None = UNSET
    deadline: Seconds | UnsetType | None = UNSET


class ScheduleAdded(_Terms):
    """A schedule that is to be. `schedule` is a cron line, words such as "every 5 minutes", or a number of seconds."""

    name: Name
    schedule: Rule
    task: Name
    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class ScheduleEdited(_Terms):
    """What is to be another of a schedule that was added at run time. What is left out stays."""

    schedule: Rule | UnsetType = UNSET
    task: Name | UnsetType = UNSET
    args: list[Any] | UnsetType = UNSET
    kwargs: dict[str, Any] | UnsetType = UNSET


class Backfill(Struct, forbid_unknown_fields=True):
    """From when to when instants are fired that did not fire."""

    start: datetime
    end: datetime


class Schedule(Struct):
    """A schedule: its rule in words, and how it stands."""

    name: str
    state: str
    source: str
    words: str
    zone: str | None
    task: str | None
    next_at: datetime | None
    last_at: datetime | None
    last_job: str | None
    runs: int
    missed: int
    note: str | None


class ScheduleDetail(Struct):
    """A schedule with its next instants, without jitter."""

    schedule: Schedule
    upcoming: list[datetime]


class SchedulesAsked(Struct, forbid_unknown_fields=True):
    """Which schedules are asked for: those with a text in their name or task."""

    text: str = ""


class Schedules(Struct):
    """Schedules by name; `more`: there are others, which a text in their names finds."""

    schedules: list[Schedule]
    more: bool


class LedgerAsked(Struct, forbid_unknown_fields=True):
    """Which entries are asked for: the latest, or those before a cursor."""

    before: Cursor | None = None


class LedgerEntry(Struct):
    """What became of an instant, or of a range of so many up to `until`."""

    instant: datetime
    outcome: str
    reason: str | None
    job_id: str | None
    until: datetime | None
    instants: int
    recorded_at: datetime


class Ledger(Struct):
    """Entries, latest first; `cursor` is where to go on."""

    entries: list[LedgerEntry]
    cursor: int | None
