"""What ties jobs together: edges, and what the jobs at their ends get."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["Edge", "Input", "OnError", "Passing", "Role", "Tie"]


class Passing(IntEnum):
    """What the job that waits gets of the one it waited for. Numbers are stored."""

    NOTHING = 0
    #: The result, in front of its own arguments.
    FIRST = 1
    #: The result as one of a list, in the order of the edges; the list comes in front of its own arguments.
    LISTED = 2
    #: Nothing, though it is one of a list that the job waits for.
    COUNTED = 3


class OnError(IntEnum):
    """What becomes of the job that waits when the one it waits for does not succeed. Numbers are stored."""

    #: It fails at once.
    FAIL = 0
    #: It fails when all it waits for have finished.
    WAIT = 1
    #: It runs, without that result.
    SKIP = 2


class Role:
    """What part a job has in edges: bits, stored as a number (and plain ones, for every job is asked)."""

    #: Others wait for it.
    AWAITED = 1
    #: It waits for others, and its arguments are not whole without their results.
    FED = 2


class Edge(NamedTuple):
    """What a new job waits for: the job of that id."""

    awaited: str
    passing: Passing = Passing.NOTHING
    on_error: OnError = OnError.FAIL


class Tie(NamedTuple):
    """An edge as a store has it: the ids of its jobs, and its place among the waiter's.

    `awaited` None: a job that was not known, or is not there any more.
    """

    waiter: str
    position: int
    awaited: str | None
    passing: int
    on_error: int


class Input(NamedTuple):
    """What a job has from one it waited for. `result` None: no result was kept, or it did not succeed."""

    id: str
    state: int
    options: str | None
    passing: int
    on_error: int
    result: bytes | None
