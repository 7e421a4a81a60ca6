"""APScheduler's triggers as rules.

Intervals, dates and combinations become LocalQ's own rules, which are exact and count without walking; triggers of
the wall clock are asked as `wall_trigger` tells. All others are asked `get_next_fire_time(previous, now)`, and
nothing else, whenever an instant is wanted.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.clock import from_datetime, to_datetime
from localq.schedules.rules.combined import AllOf, AnyOf
from localq.schedules.rules.once import Once
from localq.schedules.rules.pinned import PinnedInterval
from localq.schedules.rules.rule import LAST_INSTANT, Rule
from localq.schedules.rules.wall_trigger import WallTrigger

__all__ = ["Trigger", "TriggerRule", "read_trigger", "trigger"]

#: A trigger that begins anew at its start is asked this often at most: once a day for 50 years.
_MOST_STEPS = 20_000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Trigger(Protocol):
    """What is asked of a trigger."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next aware datetime, or None."""
        ...


class TriggerRule(Rule):
    """A rule that asks a trigger of somebody's own; `trigger` makes one. The zone it reads is its own business."""

    def __init__(self, wrapped: Trigger) -> None:
        self.trigger = wrapped

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the trigger's first instant after `after`.

        Raises:
            ScheduleError: The trigger answers with a naive datetime, or never gets past `after`.
        """
        if after >= LAST_INSTANT:
            return None
        now = to_datetime(after + 1).astimezone(zone)
        previous = None
        for _ in range(_MOST_STEPS):
            due = self.trigger.get_next_fire_time(previous, now)
            if due is None:
                return None
            if due.tzinfo is None:
                raise ScheduleError(f"The trigger {self.trigger!r} is due at {due!r}: it must be an aware datetime")
            if (instant := from_datetime(due)) > after:
                return instant
            previous = due
        raise ScheduleError(f"The trigger {self.trigger!r} never gets past {now}: it was asked {_MOST_STEPS:,} times")

    def words(self) -> str:
        """Return the trigger's own text."""
        return _ADDRESS.sub("", str(self.trigger))

    def spec(self) -> dict[str, Any]:
        """Raise the error that says where such a trigger can be used.

        Raises:
            ScheduleError: Always.
        """
        raise ScheduleError(
            f"The trigger {self.trigger!r} cannot be written down: a class of your own can be used in the "
            "configuration, where the program makes it anew each time, but not be added at run time"
        )

    def fingerprint(self) -> str:
        """Return the trigger's class and text; for a class that has no text of its own, its attributes."""
        kind = type(self.trigger)
        attributes = "" if kind.__repr__ is not object.__repr__ else repr(sorted(vars(self.trigger).items()))
        text = _ADDRESS.sub("", f"{self.trigger!r}{attributes}")
        return f"trigger:{kind.__module__}.{kind.__qualname__}:{text}"


def trigger(wrapped: Any) -> Rule:
    """Return the rule of an APScheduler trigger, or of anything with its `get_next_fire_time`.

    Raises:
        ScheduleError: It has no such method, or a jitter of its own: that is random each time the trigger is
            asked, while a schedule's `jitter` is always the same for the same instant.
    """
    if not callable(getattr(wrapped, "get_next_fire_time", None)):
        raise ScheduleError(f"trigger({wrapped!r}): it has no method get_next_fire_time(previous, now)")
    if getattr(wrapped, "jitter", None):
        raise ScheduleError(f"trigger({wrapped!r}): leave its jitter out, and give the schedule jitter= instead")
    match _class_of(wrapped):
        case "IntervalTrigger":
            return _pinned(wrapped)
        case "DateTrigger":
            return Once(wrapped.run_date)
        case "OrTrigger":
            return AnyOf([trigger(one) for one in wrapped.triggers])
        case "AndTrigger":
            return AllOf([trigger(one) for one in wrapped.triggers])
        case "CronTrigger" | "CalendarIntervalTrigger":
            return WallTrigger(wrapped)
    return TriggerRule(wrapped)


def read_trigger(**spec: Any) -> Rule:
    """Return the rule of a trigger that was written down."""
    from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
    from apscheduler.triggers.cron import CronTrigger

    kind = spec.pop("class", None)
    classes = {"cron": CronTrigger, "calendar": CalendarIntervalTrigger}
    if kind not in classes:
        raise ScheduleError(f"A rule's spec has class {kind!r}: it must be one of {', '.join(classes)}")
    return trigger(classes[kind](**spec))


def _class_of(wrapped: object) -> str:
    """Return the name of APScheduler's own class; empty for any other."""
    kind = type(wrapped)
    return kind.__name__ if kind.__module__.startswith("apscheduler.triggers.") else ""


def _pinned(wrapped: Any) -> Rule:
    start, end = wrapped.start_date, wrapped.end_date
    # Left out, the start is the moment of construction, which would shift with every start of the program. Nobody
    # writes microseconds by hand, and a clock that shows none is met once in a million times.
    given = None if start.microsecond else from_datetime(start)
    return PinnedInterval(wrapped.interval, given, None if end is None else from_datetime(end))
