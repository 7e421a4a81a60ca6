"""Tasks of every app: `shared_task`, for libraries that know none."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from localq import current
from localq.model.option_types import TaskOptions
from localq.tasks.registry import BindingDecorator, Decorator, TaskRegistry, make_task, task_name
from localq.tasks.task import Task

__all__ = ["make_shared_tasks", "shared_task"]

P = ParamSpec("P")
R = TypeVar("R")


class App(Protocol):
    """What shared tasks need of an app."""

    tasks: TaskRegistry

    @property
    def task(self) -> Callable[..., Any]: ...


#: Each makes a shared function a task of an app.
_makers: list[Callable[[App], None]] = []


@overload
def shared_task(function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
@overload
def shared_task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def shared_task(
    *, bind: Literal[True], base: type[Task[..., Any]] | None = None, **options: Unpack[TaskOptions]
) -> BindingDecorator: ...
@overload
def shared_task(
    *, bind: Literal[False] = False, base: type[Task[..., Any]] | None = None, **options: Unpack[TaskOptions]
) -> Decorator: ...
def shared_task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of every app, those made later included; see `LocalQ.task`."""

    def decorate(function: Callable[..., Any]) -> Any:
        stand = _SharedTask(function, options)
        _makers.append(stand._make)
        for app in list(current.apps):
            stand._make(app)
        return stand

    return decorate if function is None else decorate(function)


def make_shared_tasks(app: App) -> None:
    """Make the functions shared so far tasks of a new app."""
    for make in _makers:
        make(app)


class _SharedTask:
    """Stands for a task of whichever app is current when it is used, and looks like that to whoever looks.

    While there is no app it is a task of none: what needs no store, such as calling it, works, and what is set on it
    is set on the tasks made of it later.
    """

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        own = {"_function": function, "_options": options, "_alone": None, "_names": weakref.WeakKeyDictionary()}
        named = {name: getattr(function, name, None) for name in ("__module__", "__doc__", "__qualname__")}
        for name, value in {**own, **named}.items():
            object.__setattr__(self, name, value)

    def _make(self, app: App) -> None:
        """Make it a task of an app."""
        task = app.task(**self._options)(self._function)
        self._names[app] = task.name
        if self._alone is not None:
            task.__dict__.update({name: value for name, value in vars(self._alone).items() if name != "_check"})

    def _task(self) -> Task[..., Any]:
        app = current.app_or_none()
        if app is not None:
            return app.tasks[self._names[app]]  # type: ignore[no-any-return]
        if self._alone is None:
            object.__setattr__(self, "_alone", _of_no_app(self._function, self._options))
        alone: Task[..., Any] = self._alone
        return alone

    _get_current_object = _task

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._task())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._task(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._task(), name)

    def __dir__(self) -> list[str]:
        return dir(self._task())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._task()(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return self._task() == (other._task() if type(other) is _SharedTask else other)

    def __hash__(self) -> int:
        return hash(self._task())

    def __reduce__(self) -> Any:
        return self._task().__reduce__()

    def __repr__(self) -> str:
        return repr(self._task()) if current.app_or_none() is not None else "<@shared_task>"


def _of_no_app(function: Callable[..., Any], options: Mapping[str, Any]) -> Task[..., Any]:
    """Return a task of a function that no app knows; what needs one says so."""
    own = {name: value for name, value in options.items() if name not in ("shared", "lazy", "filter")}
    bind, base = bool(own.pop("bind", False)), own.pop("base", None) or Task
    if not own.get("name"):
        own["name"] = task_name(None, function.__module__, function.__name__)
    return make_task(current.current_app, function, bind=bind, base=base, options=own)
