"""What is current here: the app that names refer to, and the request that runs in this thread or coroutine."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from localq.exceptions import ImproperlyConfigured

__all__ = [
    "app",
    "app_or_none",
    "apps",
    "current_app",
    "current_task",
    "in_slot",
    "request",
    "set_app",
    "set_in_slot",
]

#: The running request (a `localq.tasks.request.Context`), or None outside tasks.
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


def _task() -> Any:
    running = request.get()
    return None if running is None or _app is None else _app.tasks.find(running.task)


class _Stand:
    """Stands for what is current when it is used."""

    def __init__(self, find: Callable[[], Any], what: str) -> None:
        self.__dict__.update(_find=find, _what=what)

    def __reduce__(self) -> Any:
        # By its name: where it arrives, it stands for what is current there.
        return f"current_{self._what.partition(' ')[2]}"

    def _get_current_object(self) -> Any:
        return self._find()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not self:
            # Those who look at any object (copy, pickle, pytest, editors) ask for what most do not have.
            raise AttributeError(f"There is no {self._what}, and its stand-in has no {name!r}.")
        return getattr(self._find(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the current app; run the current task."""
        found = self._find()
        return found(*args, **kwargs) if callable(found) else found

    def __eq__(self, other: object) -> bool:
        return bool(self._find() == other)

    def __hash__(self) -> int:
        return hash(self._find())

    def __bool__(self) -> bool:
        try:
            return self._find() is not None
        except ImproperlyConfigured:
            return False

    def __repr__(self) -> str:
        return repr(self._find()) if self else f"<no {self._what}>"


#: Stand for the current app, and for the task that runs here (None outside tasks).
current_app: Any = _Stand(app, "current app")
current_task: Any = _Stand(_task, "current task")
