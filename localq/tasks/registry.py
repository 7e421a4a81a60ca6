"""The tasks an app knows, and how a function becomes one (celery/app/base.py, celery/app/registry.py of 5.7)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from localq.exceptions import DuplicateTaskNameWarning, ImproperlyConfigured, NoEffectWarning, NotRegistered
from localq.model.bounds import A_NAME, checked_name, is_name
from localq.model.hints import near_miss, nearest
from localq.model.warning import warn
from localq.tasks.parameters import checker
from localq.tasks.program_name import module_name
from localq.tasks.pydantic_models import Models
from localq.tasks.same_function import is_same, place_of
from localq.tasks.task import TASK_OPTIONS, Task
from localq.tasks.task_options import check_definition, tell_of_odd

__all__ = ["BindingDecorator", "Decorator", "TaskRegistry", "make_task", "task_name"]

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """What makes a task of a function."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class BindingDecorator(Protocol):
    """What makes a task of a function that gets the task itself first."""

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> Task[P, R]: ...


class TaskRegistry(dict[str, Task[..., Any]]):
    """Tasks by name. `revision` grows with every change, so that running slots learn of new definitions."""

    revision = 0
    #: Called with each task that is registered, or kept.
    registered: Callable[[Task[..., Any]], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self._promised: dict[str, Task[..., Any]] = {}
        #: Names that were warned of.
        self._told: set[str] = set()
        self._scripts: tuple[int, dict[str, Task[..., Any]]] = (-1, {})
        #: LocalQ's own tasks, found by their names and not listed.
        self.own: dict[str, Task[..., Any]] = {}

    def __missing__(self, name: str) -> Task[..., Any]:
        if name in self.own:
            return self.own[name]
        raise NotRegistered(
            f"Unknown task {name!r}.{nearest(name, list(self))} Import its module in the worker: --include, "
            "or the setting include."
        )

    def register(self, task: Task[..., Any], *, replace: bool = True) -> Task[..., Any]:
        """Add a task; return the one that has its name.

        Defining the same function again (a reloaded module, a notebook cell run twice) replaces it;
        see `localq.tasks.same_function`. Of another function under the name is warned.

        Args:
            replace: Whether another function takes the place of the one that has the name, or is left out.
        """
        if not task.name:
            raise ImproperlyConfigured(f"{type(task).__name__} has no name: set `name = '...'` in the class.")
        if not is_name(task.name):
            raise ImproperlyConfigured(f"A task's name must be {A_NAME}, not {task.name!r:.300}.")
        check_definition(task)
        before = self.get(task.name)
        if before is not None and not is_same(_called(before), _called(task)):
            self._warn_of_two(before, task, replace=replace)
            kept = task if replace else before
            kept._contested = True
            if not replace:
                return before
        tell_of_odd(task)
        self._take(task)
        return task

    def _warn_of_two(self, before: Task[..., Any], task: Task[..., Any], *, replace: bool) -> None:
        """Warn that two functions have one name, once a name."""
        if task.name in self._told:
            return
        self._told.add(task.name)
        first, second = place_of(_called(before)), place_of(_called(task))
        which = f"{first} and {second}" if first != second else f"{first}, made twice"
        then = "calls reach the second" if replace else "the second is no task, and calls reach the first"
        warn(f"Two tasks are called {task.name!r}: {which}; {then}. Give one a name=.", DuplicateTaskNameWarning)

    def _take(self, task: Task[..., Any]) -> None:
        self[task.name] = task
        self.revision += 1
        if self.registered is not None:
            self.registered(task)

    def unregister(self, name: str | Task[..., Any]) -> None:
        """Remove a task, given itself or by its name.

        Raises:
            NotRegistered: there is none of that name.
        """
        known = name if isinstance(name, str) else name.name
        if known not in self:
            raise NotRegistered(f"Unknown task {known!r}.{nearest(known, list(self))}")
        del self[known]
        self.revision += 1

    def regular(self) -> dict[str, Task[..., Any]]:
        """Return all tasks by name: those of Celery's old kind, which were periodic by their class, are none here."""
        return self.filter_types("regular")

    def periodic(self) -> dict[str, Task[..., Any]]:
        """Return the tasks whose class says that they are of the type "periodic", which none of ours does."""
        return self.filter_types("periodic")

    def filter_types(self, type: str) -> dict[str, Task[..., Any]]:
        """Return the tasks by name whose attribute `type` is this; without one a task is "regular"."""
        return {name: task for name, task in self.items() if getattr(task, "type", "regular") == type}

    def promise(self, name: str, app: Any) -> Task[..., Any]:
        """Return a task that can be sent by its name, and becomes the one of that name when it is kept here."""
        if name not in self._promised:
            checked_name(name, "task")
            task = self._promised[name] = Task()
            task.name, task.app = name, app
        return self._promised[name]

    def keep(self, task: Task[..., Any]) -> None:
        """Put a task in the place of one of the same name."""
        promised = self._promised.pop(task.name, None)
        if promised is not None:
            promised.__class__ = type(task)
            promised.__dict__.update(task.__dict__)
            task = promised
        self._take(task)

    def find(self, name: str) -> Task[..., Any] | None:
        """Return the task a job names, or None.

        A job made by a script run as the main program names `__main__.f`; a worker that loaded the script by
        its path knows the same function under the script's own name.
        """
        found = self.get(name) or self.own.get(name)
        if found is None and name.startswith("__main__."):
            found = self._of_scripts().get(name)
        return found

    def names_found(self) -> frozenset[str]:
        """Return every name under which `find` finds a task."""
        return frozenset((*self, *self.own, *self._of_scripts()))

    def _of_scripts(self) -> dict[str, Task[..., Any]]:
        """Return the tasks by the names that scripts gave them as main programs; not where several might be meant."""
        if self._scripts[0] != self.revision:
            found: dict[str, list[Task[..., Any]]] = {}
            for known, task in self.items():
                found.setdefault(f"__main__.{known.rpartition('.')[2]}", []).append(task)
            self._scripts = self.revision, {name: same[0] for name, same in found.items() if len(same) == 1}
        return self._scripts[1]


def _called(task: Task[..., Any]) -> Any:
    """Return what a task runs: its function, or the class that has its `run`."""
    return task.function or type(task)


def _warn_of_near_misses(base: type[Task[..., Any]], options: Mapping[str, Any]) -> None:
    """Warn of options that are nobody's, but nearly one of ours; all that are nobody's become attributes."""
    for name in options:
        meant = None if name in TASK_OPTIONS or hasattr(base, name) else near_miss(name, TASK_OPTIONS)
        if meant is not None:
            warn(f"The option {name!r} of a task is only an attribute of it. Did you mean {meant!r}?", NoEffectWarning)


def task_name(main: str | None, module: str, function: str) -> str:
    """Return the name a function gets: its module's and its own; the app's name stands for the main program."""
    known = sys.modules.get(module)
    in_main = (module if known is None else known.__name__) == "__main__"
    return f"{main if in_main and main else module_name(module)}.{function}"


def make_task(
    app: Any, function: Callable[..., Any], *, bind: bool, base: type[Task[..., Any]], options: dict[str, Any]
) -> Task[..., Any]:
    """Return a task made of a function.

    Raises:
        TypeError: a name or base that cannot be.
    """
    given: Any = base
    if not (inspect.isclass(given) and issubclass(given, Task)):
        raise TypeError(f"task() takes a subclass of Task as base, not {base!r}")
    _warn_of_near_misses(base, options)
    named = options.pop("name", None)
    if named is not None and not isinstance(named, str):
        raise TypeError(f"task() takes a text as name, not {named!r}")
    own = getattr(function, "__name__", None)
    if named is None and own is None:
        raise TypeError(f"{function!r} has no name of its own. Give the task one: name='...'.")
    name = named or task_name(app.main, function.__module__, str(own))
    models = Models(function, app, name, bind, options) if options.get("pydantic") is True else None
    run = function if models is None else models.run
    body = {
        "app": app,
        "name": name,
        "run": run if bind else staticmethod(run),
        "function": staticmethod(function),
        "__doc__": function.__doc__ if own else None,
        "__module__": function.__module__,
        "__wrapped__": run if bind else staticmethod(run),
        "__header__": staticmethod(function),
        **options,
    }
    made: Task[..., Any] = type(own or name.rpartition(".")[2], (base,), body)()
    # Here too: what a slot makes of a definition it is sent is not registered.
    check_definition(made)
    made._check, made._models = checker(made.run), models
    return made
