"""A single instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.clock import from_datetime, to_datetime
from localq.schedules.rules.rule import Rule
from localq.schedules.rules.said import Say, english
from localq.schedules.rules.wall import first_occurrence

__all__ = ["Once", "at"]


class Once(Rule):
    """Due once, at an instant, or when the zone's clock shows a naive time; `at` makes one."""

    def __init__(self, when: datetime) -> None:
        if not isinstance(when, datetime):
            raise ScheduleError(f"at({when!r}): it must be a datetime")
        if not 1 < when.year < 9000:
            raise ScheduleError(f"at({when}): it must lie in the years 2 to 8999")
        if when.tzinfo is not None:
            when = to_datetime(from_datetime(when))
        self.when = when.replace(fold=0)

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the instant if it is still to come."""
        naive = self.when.tzinfo is None
        due = first_occurrence(self.when, zone) if naive else from_datetime(self.when)
        return due if due > after else None

    def words(self) -> str:
        """Return "once, at 2026-03-01 07:30:00 UTC"; without a zone if it is read in the schedule's."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        zone = "" if self.when.tzinfo is None else " UTC"
        return say("once, at {time}", time=f"{self.when:%Y-%m-%d %H:%M:%S}{zone}")

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        return {"kind": "once", "at": self.when.isoformat()}


def at(when: datetime) -> Once:
    """Return the rule that is due once: at an aware datetime, or when the schedule's zone shows a naive one."""
    return Once(when)
