"""Tasks that no module can be imported for: those of a script or notebook, sent by value.

They travel only from a worker to its own slots, never through the store.
"""

from __future__ import annotations

from typing import Any

import dill

from localq.registry import make_task
from localq.task import TASK_OPTIONS, Task

__all__ = ["by_value", "dump", "load"]


def by_value(task: Task[..., Any]) -> bool:
    """Whether another interpreter could not import the task."""
    return (getattr(task.function, "__module__", None) or type(task).__module__) == "__main__"


def dump(task: Task[..., Any]) -> bytes:
    """Return a task's definition."""
    if task.function is None:
        return bytes(dill.dumps(("instance", task.name, type(task)), recurse=True))
    own = vars(type(task))
    options = {name: own[name] for name in TASK_OPTIONS if name in own and name != "name"}
    bind = not isinstance(own.get("run"), staticmethod)
    base = type(task).__mro__[1]
    return bytes(
        dill.dumps(
            ("function", task.name, task.function, bind, None if base is Task else base, options), recurse=True
        )
    )


def load(app: Any, data: bytes) -> None:
    """Register a task from its definition, in place of one of the same name."""
    kind, name, *rest = dill.loads(data)
    if kind == "instance":
        made = rest[0]()
        made.name, made.app = name, app
    else:
        function, bind, base, options = rest
        made = make_task(app, function, bind=bind, base=base or Task, options={**options, "name": name})
    app.tasks.keep(made)
