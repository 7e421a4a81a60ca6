"""What a number or a name may be, wherever one is given: each check is written once; the caller says the reason.

Names are of queues, tasks, workers and schedules; ids of jobs and groups are names without white space. All are refused
here, before a store sees them: what one can keep or index another cannot.
"""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["A_NAME", "as_priority", "checked_id", "checked_name", "is_name", "is_number", "is_priority", "is_whole"]

#: Bytes that a name may have, in UTF-8.
_LONGEST_NAME = 255
#: What a name must be, in the words of errors.
A_NAME = f"1 to {_LONGEST_NAME} bytes of printable characters"
_HIGHEST_PRIORITY = 9


def is_whole(value: Any, least: float | None = None, most: float | None = None) -> TypeGuard[int]:
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


def as_priority(value: Any) -> int:
    """Return a number as the nearest priority of jobs; brokers have others."""
    return min(max(int(value), 0), _HIGHEST_PRIORITY)


def is_name(value: Any) -> TypeGuard[str]:
    """Whether a value is a name that can be stored and shown, such as a queue's."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= _LONGEST_NAME


def checked_name(value: Any, what: str) -> str:
    """Return a name.

    Args:
        what: What it is the name of, for the error.

    Raises:
        ValueError: it is none.
    """
    if not is_name(value):
        raise ValueError(f"{what} must be a name of {A_NAME}, not {value!r:.300}")
    return value


def checked_id(value: Any, what: str) -> str:
    """Return the id that is given for a job or a group, as a text.

    Raises:
        ValueError: it can be none.
    """
    text = str(value)
    # Of all white space only the blank is printable.
    if not is_name(text) or " " in text:
        raise ValueError(f"{what}={value!r:.300} must be {A_NAME} without white space")
    return text
