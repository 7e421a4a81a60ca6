"""The nearest known name, for messages about misspelt ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["near_miss", "nearest"]

#: How alike a name is to one that it was meant to be.
_MEANT = 0.8


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {close[0]!r}?" if close else ""


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a name so like it was surely meant to be, or None."""
    plain = {one.replace("_", "").lower(): one for one in known}
    close = difflib.get_close_matches(name.replace("_", "").lower(), list(plain), n=1, cutoff=_MEANT)
    return plain[close[0]] if close else None
