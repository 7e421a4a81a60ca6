"""The class of tasks and their requests, where Celery has them (celery.app.task)."""

from __future__ import annotations

from localq.request import Context
from localq.task import Task

__all__ = ["Context", "Task"]
