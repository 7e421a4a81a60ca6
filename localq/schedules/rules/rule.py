"""What a rule in time is: it tells the next due instant, describes itself, and can be written down.

Instants are whole microseconds since 1970 (UTC). A rule holds no clock and no history: what is due depends only on
what is asked, so that any process that asks the same gets the same answer.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.schedules.rules.said import Say

__all__ = ["LAST_INSTANT", "Rule"]

#: The year 9000. Nothing is due after it; dates end not much later.
LAST_INSTANT = 221_845_392_000_000_000


class Rule(ABC):
    """The "when" of a schedule. Rules are values: equal if they are written down equally, and never changed.

    The instants at which a rule is due are fixed by the rule, the anchor and the zone. For every `t` from one of
    them up to the next, `next_after(t)` is that next one.
    """

    @abstractmethod
    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the first due instant after `after`, never `after` itself; None if there is none any more.

        Args:
            after: The instant to look from.
            anchor: The schedule's first instant, which intervals count from. Rules of the calendar ignore it.
            zone: The zone whose wall clock the rule reads.
        """

    @property
    def runs_at_once(self) -> bool:
        """True if a schedule that was never seen before is due at once: intervals are, the calendar is not."""
        return False

    @abstractmethod
    def words(self) -> str:
        """Return the rule in English: "every 30 seconds", "at 07:30 on Monday"."""

    def told(self, say: Say) -> str:
        """Return the rule in the language of who says it; in its own words where it knows no other."""
        return self.words()

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` makes an equal rule from: a dictionary for JSON with the key "kind".

        Raises:
            ScheduleError: The rule holds an object that cannot be written down.
        """

    def fingerprint(self) -> str:
        """Return a text that changes when the rule does, also for a rule that cannot be written down."""
        return json.dumps(self.spec(), sort_keys=True, separators=(",", ":"))

    def __eq__(self, other: object) -> bool:
        return self._likeness() == other._likeness() if isinstance(other, Rule) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._likeness())

    def _likeness(self) -> object:
        """Return what equal rules have in common; a rule that only its program knows is equal to itself alone."""
        try:
            return self.fingerprint()
        except ScheduleError:
            return id(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.words()}>"
