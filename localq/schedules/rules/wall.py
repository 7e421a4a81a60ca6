"""Wall time and instants: what a zone's clock shows, when it shows it, and when it is put forward or back.

Wall times are naive datetimes, instants whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from localq.exceptions import ScheduleError
from localq.model.clock import from_datetime, to_datetime
from localq.model.hints import nearest

__all__ = [
    "CHANGE_SPAN",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "TICK",
    "change_after",
    "first_occurrence",
    "offset_at",
    "read_zone",
    "unrepeated",
    "wall_at",
    "wall_to_micros",
]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: No clock was ever put forward or back by more: islands that crossed the date line moved by a day.
CHANGE_SPAN = 26 * HOUR

#: The smallest step of time.
TICK = timedelta(microseconds=1)


def read_zone(name: str) -> ZoneInfo:
    """Return the zone of that name.

    Raises:
        ScheduleError: There is none; the nearest name is suggested.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError, TypeError) as error:  # what ZoneInfo makes of odd names differs
        hint = nearest(str(name), sorted(available_timezones()))
        raise ScheduleError(f"Unknown time zone {name!r}.{hint} Names are like 'Europe/Berlin' or 'UTC'.") from error


def offset_at(instant: int, zone: tzinfo) -> int:
    """Return how far the zone's clock is ahead of UTC at an instant, in microseconds."""
    offset = to_datetime(instant).astimezone(zone).utcoffset() or timedelta()
    return offset // TICK


def wall_at(instant: int, zone: tzinfo) -> datetime:
    """Return what the zone's clock shows at an instant."""
    return to_datetime(instant).astimezone(zone).replace(tzinfo=None, fold=0)


def wall_to_micros(wall: datetime) -> int:
    """Return the microseconds since 1970 of a wall time as if it were UTC: for sums with offsets."""
    return from_datetime(wall.replace(tzinfo=UTC))


def change_after(start: int, end: int, zone: tzinfo) -> int | None:
    """Return the first instant of the zone's new offset, if it is another at `end` than at `start`.

    The two may lie at most some weeks apart: two changes that cancel each other are not seen.
    """
    before = offset_at(start, zone)
    if end <= start or offset_at(end, zone) == before:
        return None
    low, high = start, end
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def first_occurrence(wall: datetime, zone: tzinfo) -> int:
    """Return when the clock first shows a wall time, or the first instant after the gap that leaves it out."""
    early = from_datetime(wall.replace(tzinfo=zone, fold=0))
    if wall_at(early, zone) == wall:
        return early
    # In a gap fold=1 counts with the offset after it and lies before the change, fold=0 the other way round.
    change = change_after(from_datetime(wall.replace(tzinfo=zone, fold=1)), early, zone)
    return early if change is None else change


def unrepeated(after: int, zone: tzinfo) -> datetime:
    """Return the first wall time that the clock has not shown yet at `after`.

    While the clock repeats an hour, that is the end of the repeated time; otherwise what it shows a moment later.
    """
    wall = wall_at(after, zone)
    first = from_datetime(wall.replace(tzinfo=zone, fold=0))
    change = change_after(first, after, zone) if first < after else None
    if change is None:
        return wall + TICK
    return wall_at(change - 1, zone) + TICK
