"""Attributes of tasks that the setting task_annotations gives them (celery/app/annotations.py of 5.7)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.settings.dotted_names import required
from localq.tasks.task import Task

__all__ = ["annotate", "resolve"]


def annotate(task: Task[..., Any], annotations: Any) -> None:
    """Give a task the attributes that are set for its name, and those for every task ('*').

    A key such as "@run" wraps that method: its value is called with the method and returns another.

    Args:
        annotations: A mapping from names to mappings, an object with `annotate(task)` and `annotate_any()`,
            the dotted name of its class, or a list of those.
    """
    for attributes in _matching(task, annotations):
        for name, value in attributes.items():
            if name.startswith("@"):
                _wrap(task, name[1:], value)
            else:
                setattr(task, name, value)


def _matching(task: Task[..., Any], annotations: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what the first annotation with the task's name says, then what the first with '*' does."""
    many = annotations if isinstance(annotations, list | tuple) else [annotations]
    found = [resolve(one) for one in many if one is not None]
    own = next((said for one in found if (said := _of(one, task))), None)
    every = next((said for one in found if (said := _of(one, None))), None)
    yield from (said for said in (own, every) if said)


def resolve(named: Any) -> Any:
    """Return an annotation, of a dotted name an instance of its class.

    Raises:
        ImproperlyConfigured: there is no such class, or it is none.
    """
    if isinstance(named, str):
        named = required("task_annotations names", named)
    named = named() if inspect.isclass(named) else named
    if not isinstance(named, Mapping) and not hasattr(named, "annotate"):
        raise ImproperlyConfigured(
            f"task_annotations has {named!r}: it must map names of tasks to attributes, or have annotate(task)."
        )
    return named


def _of(one: Any, task: Task[..., Any] | None) -> Mapping[str, Any] | None:
    if isinstance(one, Mapping):
        said = one.get("*" if task is None else task.name)
    elif task is None:
        said = one.annotate_any() if hasattr(one, "annotate_any") else None
    else:
        said = one.annotate(task)
    if said is not None and not isinstance(said, Mapping):
        raise ImproperlyConfigured(f"task_annotations: attributes must be a mapping, not {said!r}")
    return said


def _wrap(task: Task[..., Any], name: str, around: Callable[[Any], Any]) -> None:
    kind = type(task)
    before = inspect.getattr_static(kind, name)
    method = getattr(kind, name)
    # A method wrapped before, by this or an older setting, is unwrapped first.
    method = getattr(method, "__wraps__", method)
    made = around(method)
    made.__wraps__ = method
    setattr(kind, name, staticmethod(made) if isinstance(before, staticmethod) else made)
