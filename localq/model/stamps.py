"""Stamps among a call's options: names in `stamped_headers`, each an option of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["split_stamps", "values_of"]


def split_stamps(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Part a call's options from its stamps by name: values as they were given, or lists of several."""
    names = options.get("stamped_headers")
    if not names:
        return dict(options), None
    rest = {name: value for name, value in options.items() if name not in names and name != "stamped_headers"}
    several = (list, tuple, set, frozenset)
    given = {name: options[name] for name in names if name in options}
    return rest, {name: values_of(one) if isinstance(one, several) else one for name, one in given.items()}


def values_of(value: Any) -> list[Any]:
    """Return a stamp's values as a list."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return list(value) if isinstance(value, list | tuple) else [value]
