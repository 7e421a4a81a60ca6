"""Frameworks whose conventions an app follows by itself: Django, where DJANGO_SETTINGS_MODULE names its settings."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence

from localq.exceptions import FixupWarning
from localq.host.folder import working_folder

__all__ = ["fit", "is_set_up", "set_up"]

_VARIABLE = "DJANGO_SETTINGS_MODULE"
#: By name: what knows Django stands far above, and programs without Django never load it.
_DJANGO = "localq.contrib.django.fitting"


def fit(app: object) -> None:
    """Fit a new app to Django, if that is configured: its tasks have `delay_on_commit`, runs close old connections."""
    module = os.environ.get(_VARIABLE)
    if not module:
        return
    here = working_folder()
    if here is not None and here not in sys.path:
        # Where manage.py is: so the settings are found by programs that Django did not start.
        sys.path.insert(0, here)
    missing = _missing(module)
    if missing:
        warnings.warn(missing, FixupWarning, stacklevel=3)
    else:
        importlib.import_module(_DJANGO).fit(app)


def is_set_up() -> bool:
    """Whether this process has set Django up, by the settings that the environment names: its models are there."""
    registry = sys.modules.get("django.apps")
    return bool(os.environ.get(_VARIABLE)) and registry is not None and bool(registry.apps.models_ready)


def set_up() -> bool:
    """Set Django up, if it is configured and that was not done yet; return whether there is a Django.

    Where Django or the settings are not there, the program goes on without, as Celery's does; `fit` has warned of it.
    """
    module = os.environ.get(_VARIABLE)
    if not module or _missing(module):
        return False
    django = importlib.import_module("django")
    registry = importlib.import_module("django.apps").apps
    # In the `ready` of an app's configuration, where servers start their workers, the rest is still under way.
    if not registry.models_ready:
        django.setup()
    return True


def _missing(settings: str) -> str | None:
    """Return what is said where Django, or the module of its settings, is not there; None where both are.

    A module that is there and cannot be imported is not missing: whoever imports it is told why.
    """
    django = sys.modules.get("django.conf")
    if django is not None and django.settings.configured:
        return None
    for name, told in (("django.db", "Django is not there"), (settings, "there is no such module")):
        if not _is_there(name):
            return f"{_VARIABLE} is {settings!r}, but {told}; this program goes on without Django."
    return None


def _is_there(name: str) -> bool:
    """Whether there is a module; neither it nor its packages are imported, which may be importing this one's caller."""
    if name in sys.modules:
        return sys.modules[name] is not None
    path: Sequence[str] | None = None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        full = ".".join(parts[:count])
        finders = [finder.find_spec for finder in sys.meta_path if hasattr(finder, "find_spec")]
        spec = next(filter(None, (find(full, path) for find in finders)), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
        if path is None:
            return count == len(parts)
    return True
