"""The whole: whether all is well, counts over time, the audit."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from localq.web.api.shapes.common import Cursor, Window
from localq.web.api.shapes.places import Queue, Worker

__all__ = ["Audit", "AuditAsked", "AuditEntry", "Figures", "Need", "Overview", "Point", "Series", "WindowAsked"]


class WindowAsked(Struct, forbid_unknown_fields=True):
    """Which stretch of time up to now."""

    window: Window = "1h"


class Figures(Struct):
    """What a stretch of time comes to; spans in seconds, null where nothing ran."""

    finished: int
    failed: int
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    run_p99: float | None


class Need(Struct):
    """One thing that needs somebody."""

    kind: str
    text: str
    link: str


class Overview(Struct):
    """Whether all is well (nothing in `needs`), and what goes on."""

    needs: list[Need]
    hour: Figures
    hour_before: Figures
    slots: int
    running: int
    queues: list[Queue]
    workers: list[Worker]


class Point(Struct):
    """What finished in a step from `at`."""

    at: datetime
    finished: int
    failed: int


class Series(Struct):
    """What finished over time; what did before `counted_from` is being counted, null: all of it was."""

    window: Window
    step_s: float
    points: list[Point]
    counted_from: datetime | None


class AuditAsked(Struct, forbid_unknown_fields=True):
    """Which changes are asked for: the latest, or those before a cursor."""

    before: Cursor | None = None


class AuditEntry(Struct):
    """Who changed what, and from where."""

    at: datetime
    actor: str
    came_from: str
    verb: str
    target: str
    count: int
    note: str


class Audit(Struct):
    """Changes, the latest first; `cursor` is where to go on."""

    entries: list[AuditEntry]
    cursor: int | None
