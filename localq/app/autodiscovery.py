"""Find modules of tasks in packages: `tasks.py` beside each, as Celery's autodiscovery does."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable
from types import ModuleType

from localq.app.frameworks import set_up

__all__ = ["Load", "discover", "installed_apps"]

Packages = Iterable[str] | Callable[[], Iterable[str]] | None
Load = Callable[[str], ModuleType]


def discover(
    packages: Packages, related_name: str | None = "tasks", load: Load = importlib.import_module
) -> list[ModuleType]:
    """Import the module of a name in each package that has one.

    A package that another should hold and does not is warned of and left out, as Celery leaves it out.

    Args:
        packages: Their names, or a function that returns them; None: Django's installed apps. A package may
            also be given by a class in it ("shop.apps.ShopConfig").
        related_name: The module's name; None: the packages themselves.
        load: Imports a module by its name; raises ModuleNotFoundError where there is none of that name.

    Raises:
        ImportError: there is no such package, or the module cannot be imported.
    """
    names = packages() if callable(packages) else installed_apps() if packages is None else packages
    found = [_related(name, related_name, load) for name in names]
    return [module for module in found if module is not None]


def _related(package: str, related_name: str | None, load: Load) -> ModuleType | None:
    try:
        module = load(package)
        if not related_name:
            return module
    except ModuleNotFoundError as error:
        outer, _, last = package.rpartition(".")
        if not outer or error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        if error.name != package or not hasattr(load(outer), last):
            warnings.warn(f"Tasks of {package!r} are not looked for: there is no {error.name!r}.", stacklevel=3)
            return None
        package = outer
    wanted = f"{package}.{related_name}"
    try:
        return load(wanted)
    except ModuleNotFoundError as error:
        if error.name == wanted:
            return None
        raise


def installed_apps() -> list[str]:
    """Return the names of Django's installed apps, set up if need be; none where Django is not configured."""
    if not set_up():
        return []
    registry = importlib.import_module("django.apps").apps
    return [config.name for config in registry.get_app_configs()]
