"""Sizes in words."""

from __future__ import annotations

__all__ = ["size_text"]


def size_text(size: float) -> str:
    """Return a number of bytes in words, as in "4.0 MiB"."""
    if size < 1024:
        return f"{size:.0f} bytes"
    power = 1
    while size >= 1024 ** (power + 1) and power < 4:
        power += 1
    return f"{size / 1024**power:.1f} {'KMGT'[power - 1]}iB"
