"""The fields of Celery's `crontab`: numbers, names, ranges that wrap, steps and lists, as sets of numbers."""

from __future__ import annotations

import re

from localq.exceptions import ScheduleError

__all__ = ["MONTHS", "WEEKDAYS", "ParseException", "crontab_parser"]

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_NUMBERS = {name[:3]: number for number, name in enumerate(WEEKDAYS)} | {
    name[:3]: number for number, name in enumerate(MONTHS, 1)
}
_NAMES = {*WEEKDAYS, *MONTHS}
_PART = re.compile(r"(?:(?P<star>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\w*))?", re.ASCII)


class ParseException(ScheduleError):
    """A field of a crontab cannot be read."""


class crontab_parser:  # noqa: N801 - Celery's name
    """Expand fields of one size.

    Args:
        max_: How many values there are.
        min_: The lowest of them.

    Example:
        >>> sorted(crontab_parser(24).parse("22-3,8-16/4"))
        [0, 1, 2, 3, 8, 12, 16, 22, 23]
    """

    ParseException = ParseException

    def __init__(self, max_: int = 60, min_: int = 0) -> None:
        self.max_ = max_
        self.min_ = min_

    def parse(self, spec: str) -> set[int]:
        """Return the numbers a field names.

        Raises:
            ParseException: It cannot be read, or names a number outside the field.
        """
        found: set[int] = set()
        for part in spec.split(","):
            found.update(self._expand(part.strip(), spec))
        return found

    def _expand(self, part: str, spec: str) -> list[int]:
        match = _PART.fullmatch(part)
        if match is None:
            reason = "an empty part" if not part else f"the part {part!r}"
            raise ParseException(f"{spec!r} has {reason}: use numbers, names, a-b, a-b/n, */n or * between commas")
        step = self._step(match["step"], spec)
        if match["star"]:
            return list(range(self.min_, self.min_ + self.max_))[::step]
        low = self._number(match["low"], spec)
        if match["high"] is None:
            if match["step"] is not None:
                raise ParseException(f"{spec!r} steps from a single value: write {part.split('/')[0]}-b/{step} or */n")
            return [low]
        high = self._number(match["high"], spec)
        after = self.min_ + self.max_
        wrapped = [*range(low, after), *range(self.min_, high + 1)]
        return (wrapped if high < low else list(range(low, high + 1)))[::step]

    def _step(self, text: str | None, spec: str) -> int:
        if text is None:
            return 1
        if not text.isdecimal() or int(text) == 0:
            raise ParseException(f"{spec!r} has the step {text!r}: it must be a whole number from 1 on")
        return int(text)

    def _number(self, text: str, spec: str) -> int:
        last = self.min_ + self.max_ - 1
        if text.isdecimal():
            number = int(text)
        else:
            name = text.lower()
            known = _NUMBERS.get(name[:3]) if any(full.startswith(name) for full in _NAMES) else None
            if known is None:
                raise ParseException(f"{spec!r} has the name {text!r}: names are sun to sat and jan to dec")
            number = known
        if not self.min_ <= number <= last:
            hint = " Sunday is 0 here." if (self.max_, number) == (7, 7) else ""
            raise ParseException(f"{spec!r} has {text}: it must be from {self.min_} to {last}.{hint}")
        return number
