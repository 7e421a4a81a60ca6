"""Tasks of every app: `shared_task`, for libraries that know none."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

from localq import current
from localq.tasks.registry import BindingDecorator, Decorator, TaskRegistry
from localq.tasks.task import Task

__all__ = ["make_shared_tasks", "shared_task"]

P = ParamSpec("P")
R = TypeVar("R")


class App(Protocol):
    """What shared tasks need of an app."""

    tasks: TaskRegistry

    def task(self, **options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]: ...


#: Each makes a shared function a task of an app.
_makers: list[Callable[[App], None]] = []


@overload
def shared_task(function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
@overload
def shared_task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def shared_task(*, bind: Literal[True], **options: Any) -> BindingDecorator: ...
@overload
def shared_task(*, bind: Literal[False] = False, **options: Any) -> Decorator: ...
def shared_task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of every app, those made later included; see `LocalQ.task`."""

    def decorate(function: Callable[..., Any]) -> Any:
        names: weakref.WeakKeyDictionary[App, str] = weakref.WeakKeyDictionary()

        def make(app: App) -> None:
            names[app] = app.task(**options)(function).name

        _makers.append(make)
        for app in list(current.apps):
            make(app)
        return _SharedTask(names)

    return decorate if function is None else decorate(function)


def make_shared_tasks(app: App) -> None:
    """Make the functions shared so far tasks of a new app."""
    for make in _makers:
        make(app)


class _SharedTask:
    """Stands for a task of whichever app is current when it is used."""

    def __init__(self, names: Mapping[App, str]) -> None:
        self._names = names

    def _task(self) -> Task[..., Any]:
        app: App = current.app()
        return app.tasks[self._names[app]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._task()(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self._task()) if current.app_or_none() is not None else "<@shared_task>"
