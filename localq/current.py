"""What is current here: the app that names refer to, and the request that runs in this thread or coroutine."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from localq.exceptions import ImproperlyConfigured

__all__ = ["app", "app_or_none", "apps", "in_slot", "request", "set_app", "set_in_slot"]

#: The running request (a `localq.request.Context`), or None outside tasks.
request: ContextVar[Any] = ContextVar("localq_request", default=None)
#: Every app of this process.
apps: WeakSet[Any] = WeakSet()
_app: Any = None
_in_slot = False


def app() -> Any:
    """Return the current app: the one made last, or made current by hand.

    Raises:
        ImproperlyConfigured: where no app was made yet.
    """
    if _app is None:
        raise ImproperlyConfigured("There is no app yet. Make one first: q = LocalQ(path='jobs.db')")
    return _app


def app_or_none() -> Any:
    """Return the current app, or None."""
    return _app


def set_app(new: Any) -> None:
    """Make an app the current one of this process."""
    global _app
    _app = new


def in_slot() -> bool:
    """Whether this process is a slot of a pool (or the parent that forks them)."""
    return _in_slot


def set_in_slot() -> None:
    """Mark this process as one that runs tasks: it must start no worker of its own."""
    global _in_slot
    _in_slot = True
