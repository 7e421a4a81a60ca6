"""A schedule and its ledger, as programs read them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured, ScheduleError, SecurityError
from localq.model.clock import to_datetime
from localq.model.schedule import LedgerRow, Schedule, ScheduleState
from localq.schedules import Rule
from localq.schedules.definition import Definition, OwnRule, read_definition
from localq.serialization.sealing import open_spec
from localq.settings import Settings

__all__ = ["LedgerLine", "ScheduleView", "definition_of"]


@lru_cache(maxsize=4096)
def _read(name: str, spec: str) -> Definition:
    return read_definition(name, spec)


def definition_of(row: Schedule, conf: Settings) -> Definition:
    """Return the definition of a schedule.

    Raises:
        SecurityError: it is not signed as it must be.
        ScheduleError: it cannot be read.
    """
    return _read(row.name, open_spec(row.name, row.spec, conf))


class ScheduleView(NamedTuple):
    """A schedule, for reading.

    `state` is active, paused, ended (no further instant) or retired (taken out of its configuration). `source` is
    "run-time", or "config:" and the app's name. `next` is its next instant; jitter comes on top. `waiting` is an
    instant that waits for the previous job to end. `rule` is None where it is of a class that only its program
    knows, or cannot be read; `words` say why.
    """

    name: str
    state: str
    source: str
    words: str
    rule: Rule | None
    zone: str | None
    task: str | None
    next: datetime | None
    last: datetime | None
    last_job: str | None
    runs: int
    missed: int
    waiting: datetime | None
    note: str | None

    @classmethod
    def of(cls, row: Schedule, conf: Settings) -> ScheduleView:
        """Return a row of the store, for reading."""
        facts: dict[str, Any]
        try:
            known = definition_of(row, conf)
            rule = None if isinstance(known.rule, OwnRule) else known.rule
            facts = {"words": known.rule.words(), "rule": rule, "zone": known.zone, "task": known.job.task}
        except (ScheduleError, SecurityError, ImproperlyConfigured) as error:
            facts = {"words": str(error), "rule": None, "zone": None, "task": None}
        return cls(
            name=row.name,
            state=ScheduleState(row.state).name.lower(),
            source=row.source,
            next=_time(row.next_at),
            last=_time(row.last_at),
            last_job=row.last_job,
            runs=row.runs,
            missed=row.missed,
            waiting=_time(row.held_at),
            note=row.note or None,
            **facts,
        )


class LedgerLine(NamedTuple):
    """What became of an instant, or of a range of so many `instants` up to `until`, for reading.

    `outcome` is fired, with the `job_id`, or skipped, with the `reason`; `recorded_at` is when that was written.
    """

    instant: datetime
    outcome: str
    reason: str | None
    job_id: str | None
    until: datetime | None
    instants: int
    recorded_at: datetime

    @classmethod
    def of(cls, row: LedgerRow) -> LedgerLine:
        """Return a row of the store, for reading."""
        return cls(
            instant=to_datetime(row.nominal),
            outcome=row.outcome,
            reason=row.reason,
            job_id=row.job_id,
            until=_time(row.until),
            instants=row.count,
            recorded_at=to_datetime(row.fired_at),
        )


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else to_datetime(micros)
