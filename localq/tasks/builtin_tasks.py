"""The tasks every app knows: what workflows are made of beside users' own.

A workflow that is called by its task's name, as a schedule does, is a job that goes on as that workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localq.canvas import Signature
from localq.canvas.maps import MAP, STARMAP
from localq.canvas.planning import ACCUMULATE
from localq.tasks.registry import make_task
from localq.tasks.task import Task

__all__ = ["make_builtins"]

#: The kinds of workflows that are no jobs themselves, by the names of their tasks.
_WORKFLOWS = {f"celery.{kind}": kind for kind in ("chain", "group", "chord", "chunks")}


def make_builtins(app: Any) -> dict[str, Task[..., Any]]:
    """Return an app's own tasks by name: they are found, but not listed among the user's."""

    def call_each(task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
        """Call a task with each item."""
        return [_call(app, task, (item,)) for item in it]

    def call_each_starred(task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
        """Call a task with the items of each item."""
        return [_call(app, task, tuple(item)) for item in it]

    def accumulate(results: list[Any]) -> list[Any]:
        """Return the list of results that comes in."""
        return results

    functions: dict[str, Callable[..., Any]] = {MAP: call_each, STARMAP: call_each_starred, ACCUMULATE: accumulate}
    made = {
        name: make_task(app, function, bind=False, base=Task, options={"name": name})
        for name, function in functions.items()
    }
    for name in _WORKFLOWS:
        made[name] = make_task(app, _go_on, bind=True, base=Task, options={"name": name})
    return made


def _go_on(self: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Go on as the workflow that the arguments describe."""
    said = {"task": self.name, "args": args, "kwargs": kwargs, "subtask_type": _WORKFLOWS[self.name]}
    return self.replace(Signature.from_dict(said, self.app))


def _call(app: Any, task: Mapping[str, Any], args: tuple[Any, ...]) -> Any:
    sig = Signature.from_dict(task)
    return app.tasks[sig.task](*args, *sig.args, **sig.kwargs)
