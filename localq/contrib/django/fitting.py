"""How an app is fitted to Django: the class of its tasks, and the database connections of those who run them."""

from __future__ import annotations

import os
from typing import Any

from django.core.signals import setting_changed
from django.db import close_old_connections, connections

from localq import current
from localq.signals import task_postrun, task_prerun, worker_process_init

__all__ = ["fit"]

_TASK = "localq.contrib.django.task:DjangoTask"
#: Connections that came with a fork: never closed, for closing one would end it for the parent too.
_inherited: list[Any] = []
_home = os.getpid()


def fit(app: Any) -> None:
    """Fit a new app: tasks are `DjangoTask`s unless it was told otherwise, and runs get connections that work."""
    app.task_cls = app.task_cls or _TASK
    for signal in (task_prerun, task_postrun):
        signal.connect(_close_old, dispatch_uid="localq.contrib.django")
    worker_process_init.connect(_forget, dispatch_uid="localq.contrib.django")
    setting_changed.connect(_changed, dispatch_uid="localq.contrib.django")


def _changed(**kwargs: Any) -> None:
    """Let apps read their settings anew: a test has put another in the place of one of Django's."""
    for app in list(current.apps):
        app.conf.outdated()


def _close_old(task: Any, **kwargs: Any) -> None:
    """Close connections that are broken or past CONN_MAX_AGE; those of an eager call are its caller's."""
    if not task.request.is_eager:
        close_old_connections()


def _forget(**kwargs: Any) -> None:
    """Leave to the parent the connections that this process got by a fork."""
    if os.getpid() == _home:
        return
    for one in connections.all(initialized_only=True):
        if one.connection is not None:
            _inherited.append(one.connection)
            one.connection = None
