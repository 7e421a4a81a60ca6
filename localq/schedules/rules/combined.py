"""Rules made of rules: due when any of them is, or when all of them are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.schedules.rules.rule import Rule
from localq.schedules.rules.said import Say, english

__all__ = ["AllOf", "AnyOf"]

#: After so many attempts to find an instant at which all rules are due, there is taken to be none.
_MOST_LEAPS = 1_000


class _Combined(Rule):
    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        if not self.rules or not all(isinstance(rule, Rule) for rule in self.rules):
            raise ScheduleError(f"A combination needs rules, and at least one: it has {list(rules)!r}")

    def _each_told(self, say: Say) -> list[str]:
        # Rules of a program's own may know no other words than theirs.
        return [rule.words() if say is english else rule.told(say) for rule in self.rules]

    #: The kind in the spec.
    kind: ClassVar[str]

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        return {"kind": self.kind, "rules": [rule.spec() for rule in self.rules]}

    def fingerprint(self) -> str:
        """Return a text that changes when one of the rules does."""
        return f"{self.kind}({','.join(rule.fingerprint() for rule in self.rules)})"


class AnyOf(_Combined):
    """Due whenever one of its rules is; once where several are."""

    kind = "any"

    @property
    def runs_at_once(self) -> bool:
        """True if one of the rules does."""
        return any(rule.runs_at_once for rule in self.rules)

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the first due instant of any rule after `after`."""
        dues = (rule.next_after(after, anchor=anchor, zone=zone) for rule in self.rules)
        return min((due for due in dues if due is not None), default=None)

    def words(self) -> str:
        """Return the rules joined by "or"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        return reduce(
            lambda first, second: say("{first}; or {second}", first=first, second=second), self._each_told(say)
        )


class AllOf(_Combined):
    """Due at the very instants at which all of its rules are."""

    kind = "all"

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the first instant after `after` at which all are due; None also if it takes too long to find."""
        for _ in range(_MOST_LEAPS):
            dues = [rule.next_after(after, anchor=anchor, zone=zone) for rule in self.rules]
            found = [due for due in dues if due is not None]
            if len(found) < len(dues):
                return None
            if min(found) == max(found):
                return found[0]
            after = max(found) - 1
        return None

    def words(self) -> str:
        """Return the rules joined by "and"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        return reduce(
            lambda first, second: say("{first}; and at the same time {second}", first=first, second=second),
            self._each_told(say),
        )
