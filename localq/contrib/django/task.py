"""The class of tasks in a Django project (celery.contrib.django.task of 5.7)."""

from __future__ import annotations

from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from localq.tasks.task import Task

__all__ = ["DjangoTask"]

P = ParamSpec("P")
R = TypeVar("R")


class DjangoTask(Task[P, R]):
    """A task whose jobs can wait for the transaction in which they are called."""

    abstract = True

    def delay_on_commit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Add a job when the current transaction commits, at once where there is none, never if it is rolled back."""
        transaction.on_commit(partial(self.delay, *args, **kwargs))

    def apply_async_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Add a job with options when the current transaction commits; see `apply_async`."""
        transaction.on_commit(partial(self.apply_async, *args, **kwargs))
