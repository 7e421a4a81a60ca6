"""What a number or a name may be, wherever one is given: each check is written once; the caller says the reason."""

from __future__ import annotations

from typing import Any

__all__ = ["LONGEST_NAME", "is_name", "is_number", "is_priority", "is_whole"]

#: Characters that a name may have.
LONGEST_NAME = 255
_HIGHEST_PRIORITY = 9


def is_whole(value: Any, least: float | None = None, most: float | None = None) -> bool:
    """Whether a value is a whole number within bounds; True and False are none."""
    return isinstance(value, int) and is_number(value, least, most)


def is_number(value: Any, least: float | None = None, most: float | None = None) -> bool:
    """Whether a value is a number within bounds, such as of seconds; True and False are none.

    What is not a number (NaN) is within no bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (least is None or value >= least) and (most is None or value <= most)


def is_priority(value: Any) -> bool:
    """Whether a value is a priority of jobs."""
    return is_whole(value, 0, _HIGHEST_PRIORITY)


def is_name(value: Any) -> bool:
    """Whether a value is a name that can be stored and shown, such as a queue's."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
