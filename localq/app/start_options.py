"""What `LocalQ.start` and `LocalQ.running` may be told of the worker, checked before anything is loaded for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.model.bounds import is_name
from localq.model.hints import nearest

__all__ = ["START_OPTIONS", "check_start"]

#: The names of the options, `concurrency` among them.
START_OPTIONS = ("concurrency", "pool", "queues", "excluded", "name", "beat", "autoscale")


def check_start(function: str, options: Mapping[str, Any]) -> None:
    """Check the options of a call.

    Args:
        function: The function that was called, for the message.
        options: All but `concurrency`, which only the pool can judge.

    Raises:
        TypeError: an unknown option (the nearest is named), or a value of the wrong type.
    """
    for option, value in options.items():
        if option not in START_OPTIONS:
            raise TypeError(f"{function}() got an unknown option {option!r}.{nearest(option, list(START_OPTIONS))}")
        if option in ("pool", "name") and not isinstance(value, str | None):
            raise TypeError(f"{function}() takes a text as {option}, not {value!r}")
        if option == "beat" and not isinstance(value, bool | None):
            raise TypeError(f"{function}() takes True, False or None as beat, not {value!r}")
        if option in ("queues", "excluded") and not _is_names(value, none=option == "queues"):
            raise TypeError(f"{function}() takes a list of names as {option}, such as ['mail'], not {value!r}")
        if option == "autoscale" and not _is_bounds(value):
            raise TypeError(f"{function}() takes the most and the fewest slots as autoscale=(8, 2), not {value!r}")


def _is_bounds(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, list | tuple) and len(value) == 2 and all(type(one) is int for one in value)


def _is_names(value: Any, *, none: bool) -> bool:
    if value is None:
        return none
    return isinstance(value, list | tuple | set | frozenset) and all(map(is_name, value))
