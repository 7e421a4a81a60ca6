"""Whether what a task uses of a notebook, or of a prompt, is still what was sent to processes.

There a helper or a constant is defined anew without the task that uses it. A script's globals change as it runs, and
are not followed: its processes know what there was when they were forked, or when the task was made.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, NamedTuple

from localq.tasks.task import Task
from localq.worker.pool import task_definitions
from localq.worker.pool.used_globals import at_prompt, same, shell, used_globals

__all__ = ["DefinitionVersions"]


class _Version(NamedTuple):
    """A task as it was: what it used, by name, when it was looked at, and all of that in bytes (made when needed)."""

    token: object
    task: Task[..., Any]
    used: dict[str, Any]
    cell: int | None
    definition: bytes | None


class DefinitionVersions:
    """Says of tasks which version of them holds now: an object that is another when anything they use was changed."""

    def __init__(self) -> None:
        self._known: dict[str, _Version] = {}

    def of(self, task: Task[..., Any]) -> object:
        """Return a task's version: the task itself where nothing it uses is defined at a prompt."""
        function = task.function
        if not isinstance(function, FunctionType) or function.__module__ != "__main__" or not at_prompt():
            return task
        now, cell, before = used_globals(function), _cell(), self._known.get(task.name)
        if before is not None and before.task is task and same(before.used, now):
            if cell == before.cell:
                return before.token
            # Nothing has another value, but one may have been changed in place: a list, an attribute.
            definition = task_definitions.dump(task)
            if before.definition == definition:
                self._known[task.name] = before._replace(cell=cell)
                return before.token
        else:
            definition = task_definitions.dump(task)
        version = _Version(object(), task, now, cell, definition)
        self._known[task.name] = version
        return version.token


def _cell() -> int | None:
    count = getattr(shell(), "execution_count", None)
    return count if isinstance(count, int) else None
