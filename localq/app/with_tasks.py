"""The part of an app that is about its tasks: how they are made, registered and found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine, Mapping
from types import ModuleType
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, Unpack, overload

from localq import current
from localq.app.autodiscovery import Load, Packages, discover
from localq.app.carrier import Carrier
from localq.app.frameworks import set_up
from localq.model.option_types import TaskOptions
from localq.settings import Settings
from localq.settings.dotted_names import required
from localq.tasks.annotations import annotate
from localq.tasks.registry import BindingDecorator, Decorator, TaskRegistry, make_task, task_name
from localq.tasks.task import Task

__all__ = ["WithTasks"]

P = ParamSpec("P")
R = TypeVar("R")

# The class has a property of that name.
_Generic = Task
_Base: TypeAlias = Task[..., Any]


class WithTasks:
    """What an app does with its tasks; see `LocalQ`."""

    main: str | None
    conf: Settings
    #: Every task by name; not there before `finalize` where the app was made with autofinalize=False.
    tasks: TaskRegistry
    strict_typing: bool
    finalized = False
    carrier: Carrier | None
    _tasks: TaskRegistry
    #: The class tasks are made of, or its dotted name: a subclass may name its own.
    task_cls: type[_Base] | str | None = None
    _base: type[_Base] | None = None
    #: The class in its place, by `Task = ...`.
    _given_base: type[_Base] | None = None
    _discoveries: list[tuple[Packages, str | None]]

    def _own_registry(self, given: Mapping[str, _Base] | None, autofinalize: bool) -> None:
        self._tasks = given if isinstance(given, TaskRegistry) else TaskRegistry()
        self._discoveries = []
        if not isinstance(given, TaskRegistry):
            for task in (given or {}).values():
                self._tasks.register(task)
        self._tasks.registered = self._bound
        if autofinalize:
            self.tasks = self._tasks

    def _open_tasks(self) -> None:
        """Take it that all tasks are defined: `tasks` may be used."""
        self.finalized = True
        self.tasks = self._tasks

    def _bound(self, task: _Base) -> None:
        type(task).on_bound(self)
        if self.carrier is not None:
            self.carrier.registered(task)
        if self.conf.loaded and self.conf.task_annotations is not None:
            annotate(task, self.conf.task_annotations)

    # Making tasks

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> _Generic[P, R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> _Generic[P, R]: ...
    @overload
    def task(
        self, /, *, bind: Literal[True], base: type[_Base] | None = None, **options: Unpack[TaskOptions]
    ) -> BindingDecorator: ...
    @overload
    def task(
        self, /, *, bind: Literal[False] = False, base: type[_Base] | None = None, **options: Unpack[TaskOptions]
    ) -> Decorator: ...
    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a function a task: `@q.task` or `@q.task(name="add", bind=True, max_retries=5)`.

        Args:
            bind: The function gets the task itself first.
            base: A subclass of `Task` to build on.
            options: See the attributes of `Task`.

        What is no option becomes an attribute of the task. A second function of a name is no task: the first one
        comes back, with a `DuplicateTaskNameWarning`.
        """
        return self._made(options) if function is None else self._made(options)(function)

    def _made(self, options: Mapping[str, Any]) -> Callable[[Callable[..., Any]], _Base]:
        """Return a decorator that makes a function a task with these options."""

        def decorate(function: Callable[..., Any]) -> _Base:
            if not callable(function):
                raise TypeError(_no_function(function))
            own = {name: value for name, value in options.items() if name not in ("shared", "lazy", "filter")}
            bind, base = bool(own.pop("bind", False)), own.pop("base", None)
            if not own.get("name") and hasattr(function, "__name__"):
                own["name"] = self.gen_task_name(function.__name__, function.__module__)
            if not self.strict_typing:
                own.setdefault("typing", False)
            function = options["filter"](function) if options.get("filter") else function
            made = make_task(self, function, bind=bind, base=base or self._task_class(), options=own)
            type(made)._of_app = base is None
            return self._tasks.register(made, replace=False)

        return decorate

    def gen_task_name(self, name: str, module: str) -> str:
        """Return the name a function of a module gets; subclasses may have rules of their own."""
        return task_name(self.main, module, name)

    def register_task(self, task: _Generic[P, R], **options: Unpack[TaskOptions]) -> _Generic[P, R]:
        """Register an instance of a `Task` subclass that defines `run`; options are set as its attributes."""
        if isinstance(task, type):
            task = task()
        if not task.name:
            task.name = self.gen_task_name(str(type(task).__name__), type(task).__module__)
        task.app = self
        for option, value in options.items():
            setattr(task, option, value)
        self._tasks.register(task)
        return task

    def _task_class(self) -> type[_Base]:
        given = self._given_base or self.task_cls
        if isinstance(given, str):
            given = self.task_cls = required("task_cls is", given)
        return _Generic if given is None else given

    @property
    def Task(self) -> type[_Base]:  # noqa: N802 - Celery's name
        """The class tasks of this app are made of, to subclass.

        Setting it gives another to the tasks made from then on, and to those made before that name no base of their
        own, unless `finalize` was called.
        """
        if self._given_base is not None:
            return self._given_base
        if self._base is None:
            base = self._task_class()
            body = {"app": self, "__module__": base.__module__, "__doc__": base.__doc__}
            self._base = type(str(base.__qualname__), (base,), body)
        return self._base

    @Task.setter
    def Task(self, base: type[_Base]) -> None:  # noqa: N802 - Celery's name
        given: Any = base
        if not (isinstance(given, type) and issubclass(given, _Generic)):
            raise TypeError(f"app.Task is a subclass of Task, not {base!r}")
        self._given_base = base
        if not self.finalized:
            for task in self._tasks.values():
                if task._of_app and task.app is self:
                    type(task).__bases__ = (base,)
                    type(task)._shadows = task.shadows()
            self._tasks.revision += 1

    @property
    def current_task(self) -> _Base | None:
        """The task that runs here, or None."""
        request = current.request.get()
        return None if request is None or request.task is None else self._tasks.find(request.task)

    # Finding tasks

    def autodiscover_tasks(
        self, packages: Packages = None, related_name: str | None = "tasks", force: bool = False
    ) -> list[ModuleType]:
        """Have a worker import `tasks.py` of packages, when it imports the modules it was told to.

        Args:
            packages: Their names, or a function that returns them; None: Django's installed apps.
            related_name: Another name than "tasks"; None: the packages themselves.
            force: Import them now, and return them.
        """
        if force:
            return discover(packages, related_name)
        self._discoveries.append((packages, related_name))
        return []

    def discover_tasks(self, load: Load = importlib.import_module) -> list[ModuleType]:
        """Import what `autodiscover_tasks` was asked for.

        Args:
            load: See `localq.app.autodiscovery.discover`.
        """
        return [module for packages, name in self._discoveries for module in discover(packages, name, load)]

    def import_tasks(self) -> list[ModuleType]:
        """Import the modules of `imports` and `include`, and those to discover: their tasks register themselves."""
        set_up()
        named = [importlib.import_module(name) for name in (*self.conf.imports, *self.conf.include)]
        return named + self.discover_tasks()


def _no_function(given: object) -> str:
    hint = f"; to name a task: @task(name={given!r})" if isinstance(given, str) else ""
    return f"@task decorates a function, not {given!r}{hint}"
