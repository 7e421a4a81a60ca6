"""An interval that counts from a fixed start and may end: what APScheduler's `IntervalTrigger` means, exactly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.bounds import is_whole
from localq.model.clock import to_datetime
from localq.schedules.rules.interval import length_in_words, schedule
from localq.schedules.rules.rule import LAST_INSTANT, Rule
from localq.schedules.rules.said import Say, english

__all__ = ["PinnedInterval"]


class PinnedInterval(Rule):
    """Due every `length` from `start` on, up to and with `end`.

    Without a start it counts from the schedule's first instant and is first due a length after it, where
    LocalQ's own intervals are due at once.
    """

    def __init__(self, length: timedelta, start: int | None = None, end: int | None = None) -> None:
        self.micros = schedule(length).micros
        self.start = start
        self.end = end
        for name, value in (("start", start), ("end", end)):
            if value is not None and not is_whole(value):
                raise ScheduleError(f"An interval's {name} is {value!r}: it must be microseconds since 1970")

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the first instant of the grid after `after`; None after the end."""
        first = self.start if self.start is not None else anchor + self.micros
        due = first if after < first else first + ((after - first) // self.micros + 1) * self.micros
        return due if due <= min(LAST_INSTANT, self.end or LAST_INSTANT) else None

    def words(self) -> str:
        """Return "every 30 seconds, from 2026-03-01 07:30:00 UTC on"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        text = say("every {length}", length=length_in_words(self.micros, say))
        if self.start is not None:
            text = say("{rule}, from {time} on", rule=text, time=f"{to_datetime(self.start):%Y-%m-%d %H:%M:%S} UTC")
        if self.end is not None:
            text = say("{rule}, until {time}", rule=text, time=f"{to_datetime(self.end):%Y-%m-%d %H:%M:%S} UTC")
        return text

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        return {"kind": "pinned", "micros": self.micros, "start": self.start, "end": self.end}
