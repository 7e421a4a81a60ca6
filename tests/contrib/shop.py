"""A program that uses Django's tasks: its app, and functions that Django's decorator makes tasks."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from localq import LocalQ

try:
    from django.tasks import task
except ModuleNotFoundError:
    from django_tasks import task

__all__ = ["add", "broken", "double", "seen", "task", "whoami"]

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/db.sqlite3"}},
    USE_TZ=True,
    TASKS={
        "default": {
            "BACKEND": "localq.contrib.django.tasks.LocalQBackend",
            "QUEUES": ["default", "mail"],
            "OPTIONS": {"app": "tests.contrib.shop:q"},
        },
        "appless": {
            "BACKEND": "localq.contrib.django.tasks.LocalQBackend",
            "OPTIONS": {"app": "tests.contrib.shop:settings"},
        },
    },
)

q = LocalQ("shop", path="/nonexistent/jobs.db", set_as_current=False)


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def broken(text: str) -> None:
    raise ValueError(text)


@task(priority=50, queue_name="mail")
async def double(x: int) -> int:
    return 2 * x


@task(takes_context=True)
def whoami(context: Any) -> dict[str, Any]:
    result = context.task_result
    return {"id": result.id, "attempt": context.attempt, "status": result.status}


@task
def seen() -> object:
    return object()
