"""Who asks, and what they may do."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["ANYBODY", "EVERYTHING", "Actor", "Right"]


class Right(StrEnum):
    """What somebody may do."""

    #: Nothing needs to be known of who asks: a style sheet, the page to log in on, the word that all is well.
    OPEN = "open"
    READ = "read"
    #: Change jobs, queues, schedules and workers.
    ACT = "act"
    #: Read the metrics alone, as a scraper does.
    METRICS = "metrics"


class Actor(NamedTuple):
    """Who asks. `name` is written down with what they change; `session` is what their forms are tied to."""

    name: str
    rights: frozenset[Right]
    session: str = ""

    def may(self, right: Right) -> bool:
        """Whether they have a right; everybody has that to what is open."""
        return right == Right.OPEN or right in self.rights


EVERYTHING = frozenset({Right.READ, Right.ACT, Right.METRICS})
ANYBODY = Actor("anybody", frozenset())
