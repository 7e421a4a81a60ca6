"""The app a program makes, and where Celery's users find the classes of tasks (`localq.app.task`)."""

from __future__ import annotations

from typing import Any

from localq import current
from localq.app.app import LocalQ
from localq.app.celery_app import Celery
from localq.app.default import default_app
from localq.tasks.shared_task import shared_task

__all__ = ["Celery", "LocalQ", "app_or_default", "default_app", "shared_task"]


def app_or_default(app: LocalQ | None = None) -> LocalQ:
    """Return an app, or the current one."""
    found = current.app() if app is None else app
    assert isinstance(found, LocalQ)
    return found


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"localq.app, LocalQ's own package, has no {name!r}. Your app is in the module that makes it, as in "
        "`from proj.celery import app`."
    )
