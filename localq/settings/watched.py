"""Whether what a configuration was read from is the same still: tests change modules, objects and Django's settings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

__all__ = ["Watched"]


class Watched:
    """An object that settings were read from, and what its attributes were then.

    To look takes some microseconds: it compares the dictionaries where the values lie, most by identity.
    """

    def __init__(self, given: Any) -> None:
        self._given = given
        self._seen = [dict(one) for one in _dictionaries(given)]

    def changed(self) -> bool:
        """Whether an attribute was set, or removed, since this was made."""
        try:
            return bool(_dictionaries(self._given) != self._seen)
        except Exception:  # values that were replaced may not let themselves be compared
            return True


def _dictionaries(given: Any) -> list[Mapping[str, Any]]:
    """Return where the values of a configuration lie, without any that reading it fills."""
    if isinstance(given, Mapping):
        return [given]
    if isinstance(given, ModuleType):
        return [vars(given)]
    if inspect.isclass(given):
        return [vars(one) for one in given.__mro__[:-1]]
    found: list[Mapping[str, Any]] = []
    # Django's settings are an object around another, which `override_settings` puts yet another around.
    inner = getattr(given, "__dict__", {}).get("_wrapped", given)
    while inner is not None:
        found.append(getattr(inner, "__dict__", {}))
        inner = found[-1].get("default_settings")
    return found + ([vars(one) for one in type(given).__mro__[:-1]] if len(found) == 1 else [])
