"""Celery's questions to a schedule, answered from `next_after`: programs ask them of `crontab` and its kin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from localq.model.clock import SYSTEM, from_datetime, to_datetime
from localq.schedules.rules.rule import Rule

__all__ = ["BaseSchedule", "schedstate"]

_UTC = ZoneInfo("UTC")
#: When to ask again if nothing is due for so long that the rule gave up.
_LATER = timedelta(days=366)


class schedstate(NamedTuple):  # noqa: N801 - Celery's name
    """Celery's answer of `is_due`: whether it is due, and in how many seconds to ask again."""

    is_due: bool
    next: float


class BaseSchedule(Rule):
    """A rule that also answers as Celery's schedules do.

    Attributes:
        nowfun: Returns the current datetime; None: the system's clock.
    """

    def __init__(self, nowfun: Callable[[], datetime] | None = None) -> None:
        self.nowfun = nowfun

    def now(self) -> datetime:
        """Return the current time, aware; what `nowfun` returns naive is UTC."""
        if self.nowfun is None:
            return to_datetime(SYSTEM.now())
        now = self.nowfun()
        return now if now.tzinfo else now.replace(tzinfo=UTC)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time from now until the first due instant after the last run; negative if it has passed.

        Wall clocks are read in the zone of `last_run_at`, or in that of now if it has none by name, or in UTC.
        """
        now = self.now()
        last = last_run_at if last_run_at.tzinfo else last_run_at.replace(tzinfo=UTC)
        zone = next((t.tzinfo for t in (last_run_at, now) if isinstance(t.tzinfo, ZoneInfo)), _UTC)
        start = from_datetime(last)
        due = self.next_after(start, anchor=start, zone=zone)
        return _LATER if due is None else timedelta(microseconds=due - from_datetime(now))

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Tell whether it is due, given when it ran last, and in how many seconds to ask again."""
        remaining = self.remaining_estimate(last_run_at).total_seconds()
        if remaining > 0:
            return schedstate(False, remaining)
        return schedstate(True, max(self.remaining_estimate(self.now()).total_seconds(), 0.0))
