"""The app a program makes, and where Celery's users find the classes of tasks (`localq.app.task`)."""

from __future__ import annotations

from localq.app.base import LocalQ

__all__ = ["LocalQ"]
