"""What a reader of a project found: a place, and what is different there."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Finding", "Level"]

#: "error": it does not work as it stands; "differs": it works, in another way; "note": it has no effect.
Level = Literal["error", "differs", "note"]


class Finding(NamedTuple):
    """A thing a project does that LocalQ does not, or does in another way."""

    file: str
    line: int
    level: Level
    text: str
