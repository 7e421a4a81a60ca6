"""What a planned workflow comes to: a job or a group, and what comes before it; as a result once it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from localq.result import AsyncResult, GroupResult

__all__ = ["Many", "Step", "after", "as_result"]


class Step(NamedTuple):
    """A job of a plan, of a task by its name. `parent` is what comes before it."""

    id: str
    ignored: bool = False
    parent: Any = None
    task: str = ""


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


def as_result(shape: Any, app: Any, single: Callable[[Step, Any], Any] | None = None) -> Any:
    """Return the result of a plan: of a job, or of a group; its parents are those that come before it.

    Args:
        single: Makes the result of a job, whose parent comes along; default: an AsyncResult.
    """
    if shape is None:
        return None
    line = [shape]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    result: Any = None
    for one in reversed(line):
        if not isinstance(one, Step):
            result = GroupResult(one.id, [as_result(each, app, single) for each in one.members], result, app)
        elif single is not None:
            result = single(one, result)
        else:
            result = AsyncResult(one.id, app, ignored=one.ignored, parent=result)
    return result
