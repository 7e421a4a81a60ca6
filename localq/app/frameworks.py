"""Frameworks whose conventions an app follows by itself: Django, where DJANGO_SETTINGS_MODULE names its settings."""

from __future__ import annotations

import importlib
import os
import sys
import warnings

from localq.exceptions import FixupWarning, ImproperlyConfigured

__all__ = ["fit", "is_set_up", "set_up"]

_VARIABLE = "DJANGO_SETTINGS_MODULE"
#: By name: what knows Django stands far above, and programs without Django never load it.
_DJANGO = "localq.contrib.django.fitting"


def fit(app: object) -> None:
    """Fit a new app to Django, if that is configured: its tasks have `delay_on_commit`, runs close old connections."""
    module = os.environ.get(_VARIABLE)
    if not module:
        return
    try:
        fitting = importlib.import_module(_DJANGO)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "django":
            raise
        warnings.warn(f"{_VARIABLE} is {module!r}, but Django is not there: {error}.", FixupWarning, stacklevel=3)
    else:
        fitting.fit(app)


def is_set_up() -> bool:
    """Whether this process has set Django up, by the settings that the environment names: its models are there."""
    registry = sys.modules.get("django.apps")
    return bool(os.environ.get(_VARIABLE)) and registry is not None and bool(registry.apps.models_ready)


def set_up() -> bool:
    """Set Django up, if it is configured and that was not done yet; return whether there is a Django.

    Raises:
        ImproperlyConfigured: it is configured, but not installed.
    """
    module = os.environ.get(_VARIABLE)
    if not module:
        return False
    try:
        django = importlib.import_module("django")
        registry = importlib.import_module("django.apps").apps
    except ImportError as error:
        raise ImproperlyConfigured(f"{_VARIABLE} is {module!r}, but Django is not there: {error}") from error
    # In the `ready` of an app's configuration, where servers start their workers, the rest is still under way.
    if not registry.models_ready:
        django.setup()
    return True
