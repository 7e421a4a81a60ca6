"""Tasks that no module can be imported for: those of a script, a notebook or a function, sent by value.

They travel only from a worker to its own slots, never through the store. A definition that cannot travel becomes a
task that says so: its jobs fail, and the worker goes on.
"""

from __future__ import annotations

import sys
from typing import Any

import dill

from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.tasks.registry import make_task
from localq.tasks.task import Task

__all__ = ["by_value", "dump", "load", "origin"]

#: What `make_task` puts into a task's class by itself.
_MADE = frozenset({"app", "name", "run", "function"})


def origin(task: Task[..., Any]) -> Any:
    """Return what the task was made of: its function, the one that it says it wraps, or its class."""
    return task.function or getattr(task, "__wrapped__", None) or type(task)


def by_value(task: Task[..., Any]) -> bool:
    """Whether importing its module in another interpreter would not make the task."""
    made_of = origin(task)
    if not hasattr(made_of, "__qualname__"):
        # A partial, or an object that can be called: it does not say where it stands.
        return True
    if made_of.__module__ == "__main__" or "<locals>" in made_of.__qualname__:
        return True
    # Decorated where it is defined, the module's own name would stand for the task, and not for the function.
    return getattr(sys.modules.get(made_of.__module__), made_of.__name__, None) is made_of


def dump(task: Task[..., Any]) -> bytes:
    """Return a task's definition."""
    try:
        definition = dill.dumps(_definition(task), recurse=True)
    except Exception as error:
        definition = dill.dumps(("broken", f"{type(error).__name__}: {error}"))
    return bytes(dill.dumps((task.name, definition)))


def _definition(task: Task[..., Any]) -> tuple[Any, ...]:
    if task.function is None:
        return "instance", type(task)
    own = vars(type(task))
    options = {name: value for name, value in own.items() if name not in _MADE and not name.startswith("__")}
    bind = not isinstance(own.get("run"), staticmethod)
    base = type(task).__mro__[1]
    return "function", task.function, bind, None if base is Task else base, options


def load(app: LocalQ, data: bytes) -> None:
    """Register a task from its definition, in place of one of the same name."""
    name, definition = dill.loads(data)
    try:
        made = _made(app, name, *dill.loads(definition))
    except Exception as error:
        made = _made(app, name, "broken", f"{type(error).__name__}: {error}")
    app.tasks.keep(made)


def _made(app: LocalQ, name: str, kind: str, *rest: Any) -> Task[..., Any]:
    if kind == "broken":
        return _broken(app, name, rest[0])
    if kind == "instance":
        task: Task[..., Any] = rest[0]()
        task.name, task.app = name, app
        return task
    function, bind, base, options = rest
    return make_task(app, function, bind=bind, base=base or Task, options={**options, "name": name})


def _broken(app: LocalQ, name: str, reason: str) -> Task[..., Any]:
    def run(*_args: Any, **_kwargs: Any) -> None:
        raise ImproperlyConfigured(
            f"Task {name} cannot be sent to a worker process, because it is not in a module that can be "
            f"imported, and uses what cannot be copied ({reason}). Put it into a module, or use "
            "pool='threads'."
        )

    return make_task(app, run, bind=False, base=Task, options={"name": name, "typing": False})
