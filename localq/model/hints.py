"""The nearest known name, for messages about misspelt ones."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["closest", "near_miss", "nearest"]

#: How alike a name is to one that it was meant to be.
_MEANT = 0.8


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or an empty text."""
    found = closest(name, known, cutoff)
    return "" if found is None else f" Did you mean {found!r}?"


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a name so like it was surely meant to be, or None."""
    plain = {one.replace("_", "").lower(): one for one in known}
    found = closest(name.replace("_", "").lower(), plain, _MEANT)
    return None if found is None else plain[found]


def closest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Return the known name that is most like a name, or None."""
    import difflib  # most programs misspell nothing

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None
