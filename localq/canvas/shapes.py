"""What a planned workflow comes to: a job or a group, and what comes before it; as a result once it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from localq.result import AsyncResult, GroupResult

__all__ = ["Many", "Step", "after", "as_result"]


class Step(NamedTuple):
    """A job of a plan. `parent` is what comes before it."""

    id: str
    ignored: bool = False
    parent: Any = None


class Many(NamedTuple):
    """A group of a plan."""

    id: str
    members: tuple[Any, ...]
    parent: Any = None


def after(shape: Any, parent: Any) -> Any:
    """Return a shape whose first part comes after `parent`."""
    if shape.parent is None:
        return shape._replace(parent=parent)
    return shape._replace(parent=after(shape.parent, parent))


def as_result(shape: Any, app: Any) -> Any:
    """Return the result of a plan: of a job, or of a group; its parents are those that come before it."""
    if shape is None:
        return None
    line = [shape]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    result: Any = None
    for one in reversed(line):
        if isinstance(one, Step):
            result = AsyncResult(one.id, app, ignored=one.ignored, parent=result)
        else:
            result = GroupResult(one.id, _members(one.members, app), result, app)
    return result


def _members(members: Sequence[Any], app: Any) -> list[Any]:
    return [as_result(one, app) for one in members]
