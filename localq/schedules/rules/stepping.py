"""Cron expressions on naive time: croniter reads them and finds the next match; zones are not its business here."""

from __future__ import annotations

import copy
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from localq.exceptions import ScheduleError
from localq.schedules.rules.wall import TICK

__all__ = ["Pattern", "check_length", "ever_matches", "follows_real_time", "next_match", "stepper"]

#: Characters of an expression; all minutes, hours, days and months one by one are some 400.
_LONGEST = 1000
#: Croniter looks no further: 40 years pass between two Mondays on February 29 around 2100, and years end with 2099.
_YEARS = 130
_FIRST_YEAR = datetime(1970, 1, 1)
_HASHED_STEP = re.compile(r"h(\(\d+-\d+\))?/\d+", re.IGNORECASE)


def check_length(text: str) -> str:
    """Return an expression that can be meant.

    Raises:
        ScheduleError: it is too long to be read, or to be said again.
    """
    if len(text) > _LONGEST:
        raise ScheduleError(
            f"A cron expression has at most {_LONGEST:,} characters; {text[:40]!r}... has {len(text):,}"
        )
    return text


class Pattern(NamedTuple):
    """What decides when a cron expression matches. If both day fields are given, both must match.

    Croniter's own way to let one of them be enough forgets the plain field where the other holds `#`, `W` or `L5`.
    """

    text: str
    hash_key: str | None = None


@lru_cache(2048)
def stepper(pattern: Pattern) -> Any:
    """Return croniter's reading of a pattern; it is shared, so copy it before stepping.

    Raises:
        ScheduleError: The text is no cron expression.
    """
    from croniter import croniter  # takes longer to import than all of LocalQ, and most programs step nothing

    text, hash_key = pattern
    hash_id = None if hash_key is None else hash_key.encode()
    try:
        return croniter(
            text,
            _FIRST_YEAR,
            ret_type=datetime,
            day_or=False,
            hash_id=hash_id,
            max_years_between_matches=_YEARS,
        )
    except ValueError as error:
        raise ScheduleError(f"Cron expression {text!r} cannot be read: {_reason(error)}") from error


@lru_cache(2048)
def ever_matches(pattern: Pattern) -> bool:
    """Tell whether any date since 1970 matches, past or to come."""
    return next_match(pattern, _FIRST_YEAR) is not None


def next_match(pattern: Pattern, wall: datetime) -> datetime | None:
    """Return the first match that is not before `wall`; None if there is none any more."""
    return _step(copy.copy(stepper(pattern)), wall)


def follows_real_time(minute: str, hour: str) -> bool:
    """Tell whether a rule with these fields follows real time, as cron decides it.

    It does if its minute or its hour is a wildcard: begins with `*` (so `*/20` too) or `?`, is a hashed step
    (`H/20`), or names every value there is (`0-23`).
    """
    return _wild(minute, 60) or _wild(hour, 24)


def _wild(field: str, size: int) -> bool:
    parts = field.split(",")
    if any(part.startswith(("*", "?")) or _HASHED_STEP.fullmatch(part) for part in parts):
        return True
    named: set[int] = set()
    for part in parts:
        low, dash, high = part.partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            return False
        named.update(range(int(low), int(high or low) + 1))
    return len(named) == size


def _step(steps: Any, wall: datetime) -> datetime | None:
    from croniter import CroniterBadDateError

    try:
        found: datetime = steps.get_next(datetime, start_time=wall - TICK)
    except CroniterBadDateError:
        return None
    except OverflowError:  # it stepped over the end of the calendar
        return None
    return found if found - wall < timedelta(days=_YEARS * 366) else None


def _reason(error: ValueError) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[-1][:200]
