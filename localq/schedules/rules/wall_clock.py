"""Rules of the wall clock, and what becomes of them when clocks are put forward or back.

A rule of *fixed times* ("at 02:30") is due exactly once for each of its times: at the first valid instant if the
clock leaves the time out, at the first occurrence if the clock shows it twice. A rule that *follows real time*
("every 20 minutes") is due whenever the clock shows one of its times: nothing in an hour that is left out, twice
in an hour that is repeated. It is cron's distinction (Vixie, Debian), and the same words decide: see `cron_follows`.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, tzinfo

from localq.model.clock import to_datetime
from localq.schedules.rules.base_schedule import BaseSchedule
from localq.schedules.rules.rule import LAST_INSTANT
from localq.schedules.rules.wall import (
    CHANGE_SPAN,
    TICK,
    change_after,
    first_occurrence,
    offset_at,
    unrepeated,
    wall_to_micros,
)

__all__ = ["WallRule"]


class WallRule(BaseSchedule):
    """A rule that reads a clock on the wall. A subclass knows no zones: it finds naive times."""

    @property
    def follows_real_time(self) -> bool:
        """True if repeated hours count twice; False for fixed times, which are due exactly once."""
        return False

    @abstractmethod
    def first_wall(self, wall: datetime, *, anchor: datetime) -> datetime | None:
        """Return the first of the rule's times that is not before `wall`; None if there is none.

        Args:
            wall: Where to look from, naive.
            anchor: The schedule's first instant on the same clock.
        """

    def next_after(self, after: int, *, anchor: int, zone: tzinfo) -> int | None:
        """Return the first due instant after `after`; None if there is none any more."""
        if after >= LAST_INSTANT:
            return None
        start = to_datetime(anchor).astimezone(zone).replace(tzinfo=None, fold=0)
        if self.follows_real_time:
            return self._next_shown(after + 1, start, zone)
        return self._next_fixed(after, start, zone)

    def _next_fixed(self, after: int, anchor: datetime, zone: tzinfo) -> int | None:
        wall = self.first_wall(unrepeated(after, zone), anchor=anchor)
        while wall is not None:
            instant = first_occurrence(wall, zone)
            if instant > after:
                return instant
            wall = self.first_wall(wall + TICK, anchor=anchor)  # several times of one gap fall on its end
        return None

    def _next_shown(self, start: int, anchor: datetime, zone: tzinfo) -> int | None:
        """Return the first instant from `start` on at which the clock shows one of the rule's times."""
        while True:
            offset = offset_at(start, zone)
            wall = self.first_wall(to_datetime(start + offset).replace(tzinfo=None), anchor=anchor)
            if wall is None:
                return None
            instant = wall_to_micros(wall) - offset
            change = change_after(start, min(instant, start + CHANGE_SPAN), zone)
            if change is not None:
                start = change
            elif instant <= start + CHANGE_SPAN:
                return instant
            else:
                # No time of the rule lies between, and none can come back before this; offsets may change, though.
                start = instant - CHANGE_SPAN
