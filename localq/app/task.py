"""The class of tasks and their requests, where Celery has them (celery.app.task)."""

from __future__ import annotations

from localq.tasks.request import Context
from localq.tasks.task import Task

__all__ = ["Context", "Task"]
