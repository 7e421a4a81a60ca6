"""Schedules of a program's own that say by themselves whether they are due, when somebody asks: Celery's `is_due`."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.schedules.rules.base_schedule import BaseSchedule, schedstate
from localq.schedules.rules.rule import Rule

__all__ = ["Asked", "is_asked"]

#: Seconds until it is asked again: it may wish for others, no fewer and no more (Celery's beat looks as often).
_SHORTEST_S, _LONGEST_S = 1.0, 300.0
#: Of these Celery's users overwrite one, or both.
_QUESTIONS = ("is_due", "remaining_estimate")


def is_asked(value: object) -> bool:
    """Whether an object answers Celery's questions in a way of its own."""
    kind = type(value)
    if isinstance(value, BaseSchedule):
        return any(getattr(kind, name) is not getattr(BaseSchedule, name) for name in _QUESTIONS)
    asked = getattr(kind, "is_due", None)
    # Celery's own crontab, schedule and solar are known by what they hold.
    return callable(asked) and getattr(asked, "__module__", "") != "celery.schedules"


class Asked(Rule):
    """Due when an object says so: its instants are those at which it was asked and said yes.

    Only a program that has the object can ask. It is asked at once, then after as many seconds as it answers.

    Args:
        schedule: What has `is_due(last_run_at)`, which returns whether it is due and when to ask again.
    """

    def __init__(self, schedule: Any) -> None:
        self.schedule = schedule
        self._pause_s = _LONGEST_S

    @property
    def runs_at_once(self) -> bool:
        """True: it is asked at once."""
        return True

    def ask(self, last_run_at: datetime) -> schedstate:
        """Ask whether it is due, and return that and the seconds until it is to be asked again, within bounds.

        Raises:
            ScheduleError: the answer is no pair of these.
        """
        answer = self.schedule.is_due(last_run_at)
        try:
            due, seconds = answer
            seconds = float(seconds)
        except (TypeError, ValueError):
            seconds = math.nan
        if math.isnan(seconds):
            raise ScheduleError(f"{self._name()}.is_due() returned {answer!r}: it must be (is it due, seconds)")
        self._pause_s = min(max(seconds, _SHORTEST_S), _LONGEST_S)
        return schedstate(bool(due), self._pause_s)

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return when it is asked next."""
        return after + int(self._pause_s * 1e6)

    def words(self) -> str:
        """Return "when shop.rules.WhenDirty says so"."""
        return f"when {self._name()} says so"

    def spec(self) -> dict[str, Any]:
        """Refuse to write it down.

        Raises:
            ScheduleError: always.
        """
        raise ScheduleError(f"{self._name()} is known only to the program that configures it")

    def fingerprint(self) -> str:
        """Return the class, and what it is written down as where it is a crontab or the like."""
        try:
            said = self.schedule.fingerprint()
        except (AttributeError, ScheduleError):
            said = ""
        return f"asked {self._name()} {said}".rstrip()

    def _name(self) -> str:
        kind = type(self.schedule)
        return f"{kind.__module__}.{kind.__qualname__}"
