"""Enqueue from the test's own process, without loading the tasks there."""

from __future__ import annotations

import functools
from typing import Any

from localq import LocalQ
from tests.crash.lab import Lab

__all__ = ["app", "send"]


@functools.cache
def _app(path: str) -> LocalQ:
    return LocalQ("lab", path=path)


def app(lab: Lab) -> LocalQ:
    """Return an app that knows no tasks, on the laboratory's file."""
    made = _app(str(lab.path))
    made._store = lab.store
    return made


def send(lab: Lab, task: str, *args: Any, **options: Any) -> str:
    """Enqueue a job by its task's short name; return its id."""
    return app(lab).send_task(f"tests.crash.tasks.{task}", args, **options).id
