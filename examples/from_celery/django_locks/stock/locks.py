"""Tasks of which one call runs at a time for the same arguments."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from localq import Task, uuid


class Locked(Task):
    """A call that is under way already is not sent once more: the caller gets the result of the first."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, task_id: str | None = None, **options: Any) -> Any:
        task_id = task_id or uuid()
        key = self.key(args, kwargs)
        # A retry comes by here too, with the id of the call that has the lock.
        if not cache.add(key, task_id, timeout=3600) and cache.get(key) != task_id:
            return self.AsyncResult(cache.get(key))
        return super().apply_async(args, kwargs, task_id=task_id, **options)

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        cache.delete(self.key(args, kwargs))

    def key(self, args: Any, kwargs: Any) -> str:
        return f"lock:{self.name}:{list(args or ())}:{sorted((kwargs or {}).items())}"
