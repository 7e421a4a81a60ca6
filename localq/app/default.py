"""The app of a program that made none: the one that `current_app`, shared tasks and `AsyncResult(id)` mean there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from localq import current
from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured

__all__ = ["DefaultApp", "default_app", "found_configuration"]

#: Modules with settings that are read where no app was made, the first that is there; then the files.
_MODULES = ("localqconfig", "celeryconfig")
_FILE = "localq.toml"
_PROJECT = "pyproject.toml"


class DefaultApp(LocalQ):
    """An app that nobody made. Its store is where its configuration says, or LOCALQ_PATH; without both it has none."""

    @property
    def location(self) -> str:
        """Where the store is.

        Raises:
            ImproperlyConfigured: nothing says so, and no default is good for who never meant to make a file.
        """
        named = self._place or self.conf.configured or self.conf.broker_url or self.conf.result_backend
        if not named:
            raise ImproperlyConfigured(
                "There is no app yet, and nothing says where jobs are. Make an app first: "
                "q = LocalQ(path='jobs.db'). Or name a file in the environment variable LOCALQ_PATH, or settings in "
                "localqconfig.py, celeryconfig.py or the module that CELERY_CONFIG_MODULE names."
            )
        return super().location


def default_app() -> LocalQ:
    """Make the app of a program that made none; it is the current one until another is made."""
    config = found_configuration()
    path = None if config is not None else os.environ.get("LOCALQ_PATH") or None
    return DefaultApp(path=path, config_source=config, set_as_current=False)


def found_configuration() -> str | None:
    """Return the name of the module, or of the TOML file, that has settings where no app is named, or None."""
    named = os.environ.get("CELERY_CONFIG_MODULE")
    if named:
        return named
    for name in _MODULES:
        if os.path.isfile(f"{name}.py") or name in sys.modules or _can_be_imported(name):
            return name
    if os.path.isfile(_FILE):
        return _FILE
    return _PROJECT if _has_table(_PROJECT) else None


def _can_be_imported(name: str) -> bool:
    """Whether there is a module of a name; `importlib.util`, which would say it too, takes its time to load."""
    return any(finder.find_spec(name, None) is not None for finder in sys.meta_path)


def _has_table(path: str) -> bool:
    """Whether a project's file has settings; one that cannot be read says so where it is meant."""
    return os.path.isfile(path) and "[tool.localq" in Path(path).read_text("utf-8", "replace")


current.set_maker(default_app)
