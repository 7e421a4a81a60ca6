"""An independent reading of crontabs: look at the clock in every minute there is.

It shares no code with LocalQ: fields are sets of numbers, the clock is zoneinfo's, and every minute around a change
of the clock is visited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


class Fields(NamedTuple):
    minute: frozenset[int] = frozenset(range(60))
    hour: frozenset[int] = frozenset(range(24))
    day: frozenset[int] = frozenset(range(1, 32))
    month: frozenset[int] = frozenset(range(1, 13))
    weekday: frozenset[int] = frozenset(range(7))  # Sunday is 0

    def match(self, wall: datetime) -> bool:
        return (
            wall.minute in self.minute
            and wall.hour in self.hour
            and wall.day in self.day
            and wall.month in self.month
            and wall.isoweekday() % 7 in self.weekday
        )


@lru_cache(4)
def changes(zone: ZoneInfo, first_year: int, last_year: int) -> list[datetime]:
    """Return the UTC minutes at which the zone's offset becomes another."""
    found = []
    hour = datetime(first_year, 1, 1, tzinfo=UTC)
    before = hour.astimezone(zone).utcoffset()
    while hour.year <= last_year:
        later = hour + timedelta(hours=6)
        if (offset := later.astimezone(zone).utcoffset()) != before:
            minute = hour
            while minute.astimezone(zone).utcoffset() == before:
                minute += MINUTE
            found.append(minute)
            before = offset
        hour = later
    return found


class Stretch:
    """Every minute from 30 hours before a change to 30 hours after it: the instant, and what the clock shows."""

    def __init__(self, change: datetime, zone: ZoneInfo) -> None:
        first = change - timedelta(hours=30)
        self.minutes = [first + n * MINUTE for n in range(60 * 60)]
        self.walls = [minute.astimezone(zone).replace(tzinfo=None, fold=0) for minute in self.minutes]
        self.shown: dict[datetime, list[datetime]] = defaultdict(list)
        for minute, wall in zip(self.minutes, self.walls, strict=True):
            self.shown[wall].append(minute)

    def real_time(self, fields: Fields) -> list[datetime]:
        """Return every minute whose wall time matches."""
        return [m for m, wall in zip(self.minutes, self.walls, strict=True) if fields.match(wall)]

    def fixed_times(self, fields: Fields) -> list[datetime]:
        """Return one minute for each matching wall time, whether the clock shows it once, twice or never."""
        return sorted({self._once(wall) for wall in self._all_walls() if fields.match(wall)})

    def _once(self, wall: datetime) -> datetime:
        if wall in self.shown:
            return self.shown[wall][0]
        return next(m for m, shown in zip(self.minutes, self.walls, strict=True) if shown > wall)

    def _all_walls(self) -> Iterator[datetime]:
        wall = self.walls[0]
        while wall <= self.walls[-1]:
            yield wall
            wall += MINUTE
