"""What is different in a project here: the place, how much it matters, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

__all__ = ["LEVELS", "Difference", "Level", "Thing", "things"]

#: "error": it does not work as it stands; "differs": it works, in another way; "moved": an import has another name;
#: "note": it has no effect; "unread": a file that could not be read.
Level = Literal["error", "differs", "moved", "note", "unread"]
#: In the order in which they matter.
LEVELS: tuple[Level, ...] = ("error", "differs", "moved", "note", "unread")


class Difference(NamedTuple):
    """A thing a project does that LocalQ does not, or does in another way.

    Args:
        subject: What the text begins with, where the rest of it holds for several, such as settings.
    """

    file: str
    line: int
    level: Level
    text: str
    subject: str = ""

    @property
    def place(self) -> str:
        """Where it is, as editors read it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Thing(NamedTuple):
    """What is to be said once, and every place of it."""

    level: Level
    text: str
    places: list[str]
    subjects: list[str]


def things(found: Iterable[Difference]) -> list[Thing]:
    """Return what was found, each thing once: in the order in which it matters, then by file and line."""
    told: dict[tuple[Level, str], list[Difference]] = {}
    for one in sorted(set(found), key=lambda one: (LEVELS.index(one.level), one)):
        told.setdefault((one.level, one.text.removeprefix(one.subject)), []).append(one)
    return [
        Thing(level, _told(rest, several), _once(one.place for one in several), _once(one.subject for one in several))
        for (level, rest), several in told.items()
    ]


def _told(rest: str, several: list[Difference]) -> str:
    subjects = _once(one.subject for one in several)
    if len(subjects) == 1:
        return several[0].text
    for one, more in (" has ", " have "), (" is ", " are "):
        rest = more + rest.removeprefix(one) if rest.startswith(one) else rest
    return ", ".join(subjects) + rest


def _once(several: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(several))
