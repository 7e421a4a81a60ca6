"""Changes to schedules: the verbs of `q.schedules`, each written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.exceptions import ScheduleError
from localq.web.act.change import Hand, written_down
from localq.web.act.jobs import Came
from localq.web.ask.schedules import target

__all__ = ["FIELDS", "Said", "add", "backfill", "edit", "pause", "remove", "resume", "trigger"]

#: What a form says of a schedule beside its name, and how long that may be.
FIELDS = ("rule", "task", "args", "kwargs", "queue", "zone", "missed", "overlap")
_LONGEST = {"args": 100_000, "kwargs": 100_000}
_LONG = 300


class Said(NamedTuple):
    """What somebody typed of a schedule; empty: nothing is said of that."""

    name: str
    fields: Mapping[str, str]

    def changes(self) -> dict[str, Any]:
        """Return what was said, as `q.schedules` takes it.

        Raises:
            ScheduleError: a text is too long, or is no JSON.
        """
        said: dict[str, Any] = {}
        for name in FIELDS:
            text = self.fields.get(name, "")
            if len(text) > _LONGEST.get(name, _LONG):
                raise ScheduleError(f"{name} has {len(text):,} characters: {_LONGEST.get(name, _LONG):,} may be.")
            if text:
                said[name] = text
        if "rule" in said:
            said["schedule"] = _rule(said.pop("rule"))
        for name, kind in (("args", list), ("kwargs", dict)):
            if name in said:
                said[name] = _json(name, said[name], kind)
        return said


def _rule(text: str) -> str | float:
    """Return a number of seconds, or else the text, which is read as a cron line or as "every 5 minutes"."""
    try:
        return float(text)
    except ValueError:
        return text


def _json(name: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ScheduleError(f"{name} must be JSON: {error}") from None
    if not isinstance(value, kind):
        like = '["a", 1]' if kind is list else '{"to": "a"}'
        raise ScheduleError(f"{name} must be JSON such as {like}, not {text[:80]}")
    return value


def add(app: LocalQ, hand: Hand, name: str, said: Mapping[str, Any]) -> Came:
    """Add a schedule.

    Args:
        said: What `q.schedules.add` takes, by name.

    Raises:
        ScheduleError: names the field and the reason.
    """
    hand.check()
    for needed, called in (("schedule", "rule"), ("task", "task")):
        if not said.get(needed):
            raise ScheduleError(f"{called} is missing.")
    rest = {field: value for field, value in said.items() if field not in ("schedule", "task")}
    app.schedules.add(name, said["schedule"], said["task"], **rest)
    written_down(app, hand, "add", target(name))
    return Came(1, "The schedule is added.")


def edit(app: LocalQ, hand: Hand, name: str, said: Mapping[str, Any]) -> Came:
    """Change a schedule that was added at run time.

    Args:
        said: What `q.schedules.update` takes, by name.

    Raises:
        ScheduleError: names the field and the reason; or a configuration has it.
    """
    hand.check()
    app.schedules.update(name, **said)
    written_down(app, hand, "edit", target(name), note=", ".join(said))
    return Came(1, "The schedule is changed.")


def pause(app: LocalQ, hand: Hand, name: str) -> Came:
    """Let a schedule rest until it is resumed."""
    hand.check()
    app.schedules.pause(name)
    written_down(app, hand, "pause", target(name))
    return Came(1, "The schedule rests until it is resumed.")


def resume(app: LocalQ, hand: Hand, name: str) -> Came:
    """Let a schedule go on with its next instant."""
    hand.check()
    app.schedules.resume(name)
    written_down(app, hand, "resume", target(name))
    return Came(1, "The schedule goes on.")


def trigger(app: LocalQ, hand: Hand, name: str) -> Came:
    """Fire a schedule now, whatever its rule says."""
    hand.check()
    fired = app.schedules.trigger(name)
    written_down(app, hand, "trigger", target(name), note=fired.id)
    return Came(1, "The schedule has fired.")


def backfill(app: LocalQ, hand: Hand, name: str, start: datetime | str, end: datetime | str) -> Came:
    """Fire the instants from one time to another that did not fire.

    Raises:
        ScheduleError: a time is none, or there are too many instants.
    """
    hand.check()
    fired = app.schedules.backfill(name, start, end)
    if fired:
        written_down(app, hand, "backfill", target(name), len(fired), f"{start} - {end}")
    return Came(len(fired), "{n} instants have fired." if fired else "No instant of that time is left to fire.")


def remove(app: LocalQ, hand: Hand, name: str) -> Came:
    """Remove a schedule with its ledger; its jobs stay.

    Raises:
        ScheduleError: a configuration would bring it back.
    """
    hand.check()
    app.schedules.remove(name)
    written_down(app, hand, "remove", target(name))
    return Came(1, "The schedule is removed.")
