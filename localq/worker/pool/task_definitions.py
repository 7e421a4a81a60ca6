"""Tasks that no module can be imported for: those of a script, a notebook or a function, sent by value.

They travel only from a worker to its own slots, never through the store, and the main program's registered classes
with them. A definition that cannot travel becomes a task that says so: its jobs fail, and the worker goes on.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Mapping
from typing import Any

import dill

from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.serialization.tagged_json.types import CLASSES, register_class
from localq.tasks.registry import make_task
from localq.tasks.task import Task
from localq.worker.pool.definition_pickle import dumps, is_by_value, keep_identity, loads

__all__ = ["by_value", "dump", "dump_classes", "keep_classes", "load", "load_classes", "origin"]

logger = logging.getLogger("localq.worker")

#: What `make_task` puts into a task's class by itself.
_MADE = frozenset({"app", "name", "run", "function"})


def origin(task: Task[..., Any]) -> Any:
    """Return what the task was made of: its function, the one that it says it wraps, or its class."""
    return task.function or getattr(task, "__wrapped__", None) or type(task)


def by_value(task: Task[..., Any]) -> bool:
    """Whether importing its module in another interpreter would not make the task."""
    made_of = origin(task)
    if task._contested:
        # Which of the functions of that name another interpreter would keep depends on what it imports first.
        return True
    if not hasattr(made_of, "__qualname__"):
        # A partial, or an object that can be called: it does not say where it stands.
        return True
    if made_of.__module__ == "__main__" or "<locals>" in made_of.__qualname__:
        return True
    # Decorated where it is defined, the module's own name would stand for the task, and not for the function.
    return getattr(sys.modules.get(made_of.__module__), made_of.__name__, None) is made_of


def dump(task: Task[..., Any], *, classes: bool = True) -> bytes:
    """Return a task's definition.

    Args:
        classes: Whether registered classes go along.
    """
    try:
        definition = dumps(_definition(task))
    except Exception as error:
        reason = f"{_culprit(task)}{type(error).__name__}: {error}"
        logger.warning("Task %s cannot be sent to a worker process: %s", task.name, reason)
        definition = dumps(("broken", reason))
    return bytes(dill.dumps((task.name, dump_classes() if classes else {}, definition)))


def dump_classes() -> dict[str, bytes]:
    """Return the registered classes that no module can be imported for, by their registered names."""
    found = {}
    for name, cls in list(CLASSES.items()):
        if is_by_value(cls):
            try:
                found[name] = dumps(cls)
            except Exception as error:
                logger.warning("Class %s cannot be sent to a worker process: %s: %s", name, type(error).__name__, error)
    return found


def keep_classes() -> None:
    """Let definitions that are sent to forks of this process mean the classes those inherit."""
    for cls in (*CLASSES.values(), *vars(sys.modules["__main__"]).values()):
        if isinstance(cls, type) and is_by_value(cls):
            keep_identity(cls)


def _culprit(task: Task[..., Any]) -> str:
    """Return the name of what a task uses and cannot be copied, for the reason; nothing where none is alone in it."""
    try:
        used = dict(dill.detect.globalvars(origin(task), recurse=True))
        used |= inspect.getclosurevars(origin(task)).nonlocals
    except Exception:
        return ""
    for name, value in used.items():
        try:
            dumps(value)
        except Exception:
            return f"{name!r}: "
    return ""


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
    name, classes, definition = dill.loads(data)
    load_classes(classes)
    try:
        made = _made(app, name, *loads(definition))
    except Exception as error:
        made = _made(app, name, "broken", f"{type(error).__name__}: {error}")
    app.tasks.keep(made)


def load_classes(classes: Mapping[str, bytes]) -> None:
    """Register the main program's classes."""
    for name, definition in classes.items():
        try:
            register_class(loads(definition), name=name)
        except Exception as error:
            logger.warning("Class %s did not arrive in a worker process: %s: %s", name, type(error).__name__, error)


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
