"""What people changed: one row a change, kept beside the jobs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Change", "ChangeRow"]


class Change(NamedTuple):
    """What somebody changed.

    `actor` is who, as the way in knows them; `came_from` where from, such as an address or "shell". `verb` is what was
    done, `target` to what (an id, a queue, a filter in words), `count` to how many. `note` says more, or is empty.
    """

    actor: str
    came_from: str
    verb: str
    target: str
    count: int = 1  # type: ignore[assignment] # the tuple method of this name counts nothing here
    note: str = ""


class ChangeRow(NamedTuple):
    """A change as kept: its place in the list, when it was made, and what it was."""

    key: int
    at: int
    change: Change
