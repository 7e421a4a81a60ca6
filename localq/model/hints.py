"""The nearest known name, for messages about misspelt ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {close[0]!r}?" if close else ""
