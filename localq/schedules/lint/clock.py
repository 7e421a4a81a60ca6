"""What changes of the clock do to a rule: on which dates, and what becomes of its times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from localq.model.clock import to_datetime
from localq.schedules.lint.remark import Remark
from localq.schedules.rules.wall import DAY, MINUTE, change_after, offset_at
from localq.schedules.rules.wall_clock import WallRule

__all__ = ["check_clock"]

#: How far ahead changes of the clock are looked for.
_AHEAD = 366
#: Offsets are compared a week apart: clocks are put forward and back, but not within days.
_STRIDE = 7


def check_clock(rule: WallRule, zone: tzinfo, now: int) -> Iterator[Remark]:
    """Yield a remark for each change of the clock within a year that one of the rule's times falls on."""
    anchor = to_datetime(now).astimezone(zone).replace(tzinfo=None, fold=0)
    for day in range(0, _AHEAD, _STRIDE):
        start = now + day * DAY
        change = change_after(start, start + _STRIDE * DAY, zone)
        if change is not None:
            yield from _met(rule, zone, change, anchor)


def _met(rule: WallRule, zone: tzinfo, change: int, anchor: datetime) -> Iterator[Remark]:
    before, after = offset_at(change - 1, zone), offset_at(change, zone)
    low = to_datetime(change + min(before, after)).replace(tzinfo=None)
    high = to_datetime(change + max(before, after)).replace(tzinfo=None)
    time = rule.first_wall(low, anchor=anchor)
    if time is None or time >= high:
        return
    minutes = abs(after - before) // MINUTE
    date, place = to_datetime(change + before).date(), f"in {zone}"
    happens = f"On {date} {place}, clocks are put {'forward' if after > before else 'back'} by {minutes} minutes"
    if rule.follows_real_time:
        if not _fires_outside_hour(rule):
            count = "not at all" if after > before else "twice as often"
            text = f"{happens}: a wildcard follows real time, so it is due {count} from {low:%H:%M} to {high:%H:%M}."
            yield Remark("warning", text, "Give minute and hour without *, for exactly once a day.")
    elif after > before:
        end = f"{high:%H:%M}"
        yield Remark("note", f"{happens}: {time:%H:%M} does not exist, and it is due at {end} instead.", _ELSEWHEN)
    else:
        yield Remark("note", f"{happens}: {time:%H:%M} comes twice, and it is due the first time only.", _ELSEWHEN)


_ELSEWHEN = "It is due exactly once all the same; for an equal distance from midnight, choose another hour or UTC."


def _fires_outside_hour(rule: WallRule) -> bool:
    """Tell whether the rule is due all day long: then real time is what is wanted."""
    midnight = datetime(2001, 1, 1)
    hours = {
        found.hour for hour in range(24) if (found := rule.first_wall(midnight.replace(hour=hour), anchor=midnight))
    }
    return len(hours) >= 12
