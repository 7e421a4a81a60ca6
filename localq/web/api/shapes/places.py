"""Tasks, queues, workers and schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from localq.web.api.shapes.common import Cursor

__all__ = [
    "Ledger",
    "LedgerAsked",
    "LedgerEntry",
    "Purge",
    "Queue",
    "QueueName",
    "Queues",
    "Schedule",
    "ScheduleDetail",
    "Schedules",
    "SchedulesAsked",
    "TaskNames",
    "Worker",
    "Workers",
]


class TaskNames(Struct):
    """The names of tasks: those of the program, of its workers, and those that wait."""

    tasks: list[str]


class Queue(Struct):
    """A queue. `oldest_at`: since when its longest waiting job could run. `drains_in_s`: at the present rate."""

    name: str
    ready: int
    waiting: int
    running: int
    oldest_at: datetime | None
    paused: bool
    served_by: list[str]
    drains_in_s: float | None
    per_second: float
    wait_p95_s: float | None


class Queues(Struct):
    """The queues, by name."""

    queues: list[Queue]


class QueueName(Struct, forbid_unknown_fields=True):
    """A queue that a worker is to serve, or not."""

    queue: Annotated[str, Meta(min_length=1, max_length=200)]


class Purge(Struct, forbid_unknown_fields=True):
    """How many jobs somebody knows to wait there: where there are more, none is removed."""

    most: Annotated[int, Meta(ge=0, lt=2**53)]


class Worker(Struct):
    """A worker that may be alive, and the ids of the jobs that it runs."""

    name: str
    state: Literal["alive", "silent", "gone"]
    host: str
    pid: int
    pool: str
    slots: int
    queues: list[str] | None
    started_at: datetime
    seen_at: datetime
    jobs: list[str]


class Workers(Struct):
    """The workers, by name."""

    workers: list[Worker]


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
