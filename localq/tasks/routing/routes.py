"""Routes: the forms that the setting task_routes takes, each made a function of the call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.settings.dotted_names import required
from localq.tasks.option_names import without_near_misses

__all__ = ["ask", "read_route"]


def read_route(given: Any) -> Callable[..., Any]:
    """Return a route as a function of the call.

    Raises:
        ImproperlyConfigured: it is none.
    """
    if isinstance(given, Mapping | list | tuple):
        return _Table(given)
    if isinstance(given, str):
        return _Named(given)
    if inspect.isclass(given):
        given = given()
    if hasattr(given, "route_for_task"):
        return _of_object(given)
    if callable(given):
        return given  # type: ignore[no-any-return]
    raise ImproperlyConfigured(
        f"task_routes has {given!r}: a route is a mapping from names to queues, a function, an object with "
        "route_for_task, or the dotted name of one."
    )


def _of_object(given: Any) -> Callable[..., Any]:
    def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None) -> Any:
        return given.route_for_task(name, args, kwargs)

    return route


class _Table:
    """Routes by name, then by pattern in their order: globs and compiled regular expressions."""

    def __init__(self, given: Any) -> None:
        self._names: dict[str, Any] = {}
        self._patterns: list[tuple[re.Pattern[str], Any]] = []
        rows = given.items() if isinstance(given, Mapping) else given
        for row in rows:
            if not isinstance(row, tuple | list) or len(row) != 2:
                raise ImproperlyConfigured(f"task_routes has {row!r}: it must be a pair of a name and its route.")
            key, route = row
            if isinstance(route, Mapping):
                route = without_near_misses(route, f"task_routes[{getattr(key, 'pattern', key)!r}]")
            if isinstance(key, re.Pattern):
                self._patterns.append((key, route))
            elif "*" in key:
                self._patterns.append((re.compile(translate(key)), route))
            else:
                self._names[key] = route

    def __call__(self, name: str, *_args: Any, **_kwargs: Any) -> Any:
        if name in self._names:
            return self._names[name]
        return next((route for pattern, route in self._patterns if pattern.match(name)), None)


class _Named:
    """A route by its dotted name, imported when it is first asked."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._route: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._route is None:
            self._route = read_route(required("task_routes names", self._name))
        return self._route(*args, **kwargs)

    def __repr__(self) -> str:
        return self._name


def ask(
    route: Callable[..., Any], name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Any
) -> dict[str, Any] | None:
    """Return the options that a route gives a call, or None; a warning names those that are nearly others."""
    try:
        said = route(name, args, kwargs, dict(options), task=task)
    except ImproperlyConfigured:
        raise
    except Exception as error:
        raise ImproperlyConfigured(f"task_routes: the route {route!r} failed for task {name}: {error!r}") from error
    if said is None:
        return None
    if isinstance(said, str) or hasattr(said, "routing_key"):
        return {"queue": said}
    if not isinstance(said, Mapping):
        raise ImproperlyConfigured(
            f"task_routes: the route for task {name} is {said!r}: it must be a queue's name, or a mapping such as "
            "{'queue': 'mail'}."
        )
    return without_near_misses(said, f"task_routes, for task {name}")
