"""Whether what a task uses of a notebook, or of a prompt, is still what was sent to processes.

There a helper or a constant is defined anew without the task that uses it. A script's globals change as it runs, and
are not followed: its processes know what there was when they were forked, or when the task was made.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from localq.tasks.task import Task
from localq.worker.pool import task_definitions

__all__ = ["DefinitionVersions", "used_globals"]


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
        if not isinstance(function, FunctionType) or function.__module__ != "__main__" or not _at_prompt():
            return task
        now, cell, before = used_globals(function), _cell(), self._known.get(task.name)
        if before is not None and before.task is task and _same(before.used, now):
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


def used_globals(function: FunctionType) -> dict[str, Any]:
    """Return what a function uses of its module by name, and what functions of the same module use for it."""
    found: dict[str, Any] = {}
    rest = [function]
    while rest:
        for name in _names(rest.pop().__code__):
            if name not in function.__globals__ or name in found:
                continue
            value = found[name] = function.__globals__[name]
            inner = value.function if isinstance(value, Task) else value
            if isinstance(inner, FunctionType) and inner.__globals__ is function.__globals__:
                rest.append(inner)
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return before.keys() == now.keys() and all(now[name] is value for name, value in before.items())


def _at_prompt() -> bool:
    """Whether somebody types the program: in a notebook, or behind `>>>`."""
    return hasattr(sys, "ps1") or _shell() is not None


def _cell() -> int | None:
    count = getattr(_shell(), "execution_count", None)
    return count if isinstance(count, int) else None


def _shell() -> Any:
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
