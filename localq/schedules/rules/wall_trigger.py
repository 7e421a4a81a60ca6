"""APScheduler's triggers of the wall clock, `CronTrigger` and `CalendarIntervalTrigger`.

What they make of a change of the clock depends on when they are asked: after an hour that is left out a CronTrigger
can miss the next midnight. So a twin is asked, on a clock that never changes, and the times it tells are placed in
the trigger's zone as those of all other rules are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.clock import from_datetime
from localq.schedules.rules.stepping import follows_real_time
from localq.schedules.rules.wall_clock import WallRule

__all__ = ["WallTrigger"]

_NAMES = {"CronTrigger": "cron", "CalendarIntervalTrigger": "calendar"}


class WallTrigger(WallRule):
    """A rule that asks a twin of such a trigger; `trigger` makes one.

    Attributes:
        trigger: The trigger as it was given.
        zone: The trigger's own zone, which the rule reads whatever the schedule's is.
    """

    def __init__(self, wrapped: Any) -> None:
        super().__init__()
        self.trigger = wrapped
        self.zone = _zone(wrapped.timezone)
        self._name = _NAMES[type(wrapped).__name__]
        self._parts = _cron_parts(wrapped) if self._name == "cron" else _calendar_parts(wrapped)
        self._twin = type(wrapped)(**self._parts, timezone=UTC)
        #: The twin of a calendar interval counts from its start: where it came to last saves walking again.
        self._reached: datetime | None = None
        dated = self._name == "cron"  # a calendar interval's dates are among its parts, as dates
        self._start = from_datetime(wrapped.start_date) if dated and wrapped.start_date else None
        self._end = from_datetime(wrapped.end_date) if dated and wrapped.end_date else None

    @property
    def follows_real_time(self) -> bool:
        """True for a CronTrigger whose minute or hour is a wildcard."""
        fields = {field.name: str(field) for field in getattr(self.trigger, "fields", ())}
        return bool(fields) and follows_real_time(fields["minute"], fields["hour"])

    @property
    def weekdays(self) -> str:
        """A CronTrigger's day_of_week, in which 0 is Monday; "*" for others."""
        return next((str(f) for f in getattr(self.trigger, "fields", ()) if f.name == "day_of_week"), "*")

    def next_after(self, after: int, *, anchor: int, zone: tzinfo) -> int | None:
        """Return the first due instant after `after`, on the clock of the trigger's own zone."""
        if self._start is not None:
            after = max(after, self._start - 1)
        due = super().next_after(after, anchor=anchor, zone=self.zone)
        return None if due is None or (self._end is not None and due > self._end) else due

    def first_wall(self, wall: datetime, *, anchor: datetime) -> datetime | None:
        """Return the twin's first time that is not before `wall`."""
        now = wall.replace(tzinfo=UTC)
        reached = self._reached
        found: datetime | None = self._twin.get_next_fire_time(reached if reached and reached < now else None, now)
        while found is not None and found < now:  # a calendar interval, on its way from the start
            self._reached = found
            found = self._twin.get_next_fire_time(found, now)
        return None if found is None else found.replace(tzinfo=None)

    def words(self) -> str:
        """Return the trigger's own text, with its zone."""
        text = str(self.trigger)
        return text if str(self.trigger.timezone) in text else f"{text} in {self.trigger.timezone}"

    def fingerprint(self) -> str:
        """Return a text that changes when the trigger does."""
        return f"trigger:{self.trigger!r}"

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads.

        Raises:
            ScheduleError: The trigger's zone has no name.
        """
        name = getattr(self.zone, "key", None) or ("UTC" if self.zone is UTC else None)
        if name is None:
            raise ScheduleError(
                f"The trigger {self.trigger!r} cannot be written down: its zone has no name; use a ZoneInfo"
            )
        dates: dict[str, str] = {}
        if self._name == "cron":
            given = {"start_date": self.trigger.start_date, "end_date": self.trigger.end_date}
            dates = {name: value.isoformat() for name, value in given.items() if value is not None}
        return {"kind": "trigger", "class": self._name, "timezone": name, **self._parts, **dates}


def _zone(zone: Any) -> tzinfo:
    """Return the zone itself, or the standard library's zone of the same name for one of pytz."""
    if hasattr(zone, "localize") and getattr(zone, "zone", None):
        return ZoneInfo(zone.zone)
    found: tzinfo = zone
    return found


def _cron_parts(wrapped: Any) -> Mapping[str, Any]:
    return {field.name: str(field) for field in wrapped.fields if not field.is_default}


def _calendar_parts(wrapped: Any) -> Mapping[str, Any]:
    state = wrapped.__getstate__()
    numbers = zip(("years", "months", "weeks", "days"), state["interval"], strict=True)
    time = zip(("hour", "minute", "second"), state["time"], strict=True)
    dates = {name: state[name].isoformat() for name in ("start_date", "end_date") if state[name] is not None}
    return {**dict(numbers), **dict(time), **dates}
