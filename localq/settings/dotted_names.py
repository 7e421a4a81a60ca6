"""What a dotted name names: a module, or what is in one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.host.folder import working_folder

__all__ = ["attribute", "find", "parted", "required"]


def attribute(name: str) -> Any:
    """Return what a module has: "proj.routes.route", or "proj.routes:route"."""
    module, _, inner = name.replace(":", ".").rpartition(".")
    return getattr(importlib.import_module(module), inner)


def required(said: str, name: str) -> Any:
    """Return what a module has, for a setting that names it.

    Args:
        said: How the message begins, such as "task_routes names".

    Raises:
        ImproperlyConfigured: there is no such module, or nothing of that name in it.
    """
    try:
        return attribute(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(f"{said} {name!r}: {error}.") from error


def find(name: str) -> Any:
    """Return a module ("proj.config") or what is in one ("proj.config:Config", "proj.config.Config").

    The working folder is looked in too.

    Raises:
        ImportError, AttributeError: there is no such thing.
    """
    found, inner = parted(name, _import_from_here)
    for part in filter(None, inner.split(".")):
        found = getattr(found, part)
    return found


def parted(name: str, load: Callable[[str], ModuleType]) -> tuple[Any, str]:
    """Return the module of a dotted name, and the name of what is meant in it; empty for the module itself.

    Args:
        load: Imports a module.
    """
    module, colon, inner = name.partition(":")
    if colon:
        return load(module), inner
    try:
        return load(name), ""
    except ModuleNotFoundError as error:
        parent, _, last = name.rpartition(".")
        if not parent or error.name != name:
            raise
        found = load(parent)
        if not hasattr(found, last):
            raise
        return found, last


def _import_from_here(name: str) -> ModuleType:
    """Import a module, also from the working folder, without leaving that on the path."""
    here = working_folder()
    if here is None or here in sys.path or "" in sys.path:
        return importlib.import_module(name)
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(here)
