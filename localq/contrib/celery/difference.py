"""What is different in a project here: the place, how much it matters, and in words."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Difference", "Level"]

#: "error": it does not work as it stands; "differs": it works, in another way; "note": it has no effect.
Level = Literal["error", "differs", "note"]


class Difference(NamedTuple):
    """A thing a project does that LocalQ does not, or does in another way."""

    file: str
    line: int
    level: Level
    text: str
