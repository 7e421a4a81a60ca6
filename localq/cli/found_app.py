"""Choose the app that a name means, of those a module or a package has."""

from __future__ import annotations

import importlib.util
import os
from types import ModuleType
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.cli.app_import import LoadError, import_module, import_named, import_script
from localq.model.hints import nearest

__all__ = ["Found", "apps_in", "find_app"]

#: Names an app has in a module, and modules of a package it may be in, in the order they are tried.
_NAMES = ("q", "app", "celery")
_MODULES = ("celery", "app", "tasks", "localq")


class Found(NamedTuple):
    """An app and where it was found, such as "tasks:q"."""

    app: LocalQ
    name: str


def find_app(spec: str) -> Found:
    """Return the app that a text names.

    Args:
        spec: A module ("tasks"), a module and a name in it ("tasks:q"), a package ("shop": the app is in it,
            or in shop.celery, shop.app, shop.tasks or shop.localq), or a script's path ("jobs/nightly.py").

    Raises:
        LoadError: with what there is instead, where something is close.
    """
    where, _, attribute = spec.rpartition(":") if _names_attribute(spec) else (spec, "", "")
    if where.endswith(".py") or os.sep in where:
        module, rest = import_script(where), ""
    else:
        module, rest = import_named(where)
    attribute = attribute or rest
    return _named(module, attribute) if attribute else _only(module)


def _names_attribute(spec: str) -> bool:
    """Whether a name follows a colon; "C:/jobs/tasks.py" has another colon."""
    return all(part.isidentifier() for part in spec.rpartition(":")[2].split(".")) and ":" in spec


def _named(module: ModuleType, attribute: str) -> Found:
    """Return the app of that name in a module; a module of that name may hold it."""
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            close = nearest(attribute, apps_in(module)) or _say_apps(module)
            raise LoadError(f"There is no {attribute!r} in {module.__name__}.{close}")
        value = getattr(value, part)
    if isinstance(value, ModuleType):
        return _only(value)
    if not isinstance(value, LocalQ):
        raise LoadError(
            f"{module.__name__}:{attribute} is no app (an app is made by LocalQ) but of type "
            f"{type(value).__name__}.{_say_apps(module)}"
        )
    return Found(value, f"{module.__name__}:{attribute}")


def _only(module: ModuleType) -> Found:
    """Return the app of a module, or of the modules of a package that usually have it."""
    looked = [module]
    found = _in_module(module)
    for name in _MODULES if found is None and hasattr(module, "__path__") else ():
        full = f"{module.__name__}.{name}"
        if found is None and importlib.util.find_spec(full) is not None:
            looked.append(import_module(full))
            found = _in_module(looked[-1])
    if found is None:
        where = " or ".join(one.__name__ for one in looked)
        raise LoadError(
            f"There is no app in {where}. Make one there, as in q = LocalQ(path='jobs.db'), "
            "or say where it is: -A module:name."
        )
    return found


def _in_module(module: ModuleType) -> Found | None:
    apps = apps_in(module)
    name = next((name for name in _NAMES if name in apps), None)
    if name is None and len(set(map(id, apps.values()))) > 1:
        raise LoadError(f"There are several apps in {module.__name__}.{_say_apps(module)}")
    name = name or next(iter(apps), None)
    return None if name is None else Found(apps[name], f"{module.__name__}:{name}")


def apps_in(module: ModuleType) -> dict[str, LocalQ]:
    """Return the apps of a module by the names they have there."""
    return {name: value for name, value in vars(module).items() if isinstance(value, LocalQ)}


def _say_apps(module: ModuleType) -> str:
    names = [f"-A {module.__name__}:{name}" for name in apps_in(module)]
    return f" Say {' or '.join(names)}." if names else ""
