"""What is current here: the app that names refer to, and the request that runs in this thread or coroutine."""

from __future__ import annotations

import threading
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
    "get_current_app",
    "get_current_task",
    "in_slot",
    "request",
    "set_app",
    "set_in_slot",
    "set_maker",
]

#: The running request (a `localq.tasks.request.Context`), or None outside tasks.
request: ContextVar[Any] = ContextVar("localq_request", default=None)
#: Every app of this process.
apps: WeakSet[Any] = WeakSet()
_app: Any = None
#: The app of a program that made none, once it was asked for; and what makes it.
_default: Any = None
_make_default: Callable[[], Any] | None = None
_making = threading.RLock()
_in_slot = False


def app() -> Any:
    """Return the current app: the one made last, or made current by hand; where none was made, the default one."""
    global _default
    if _app is not None:
        return _app
    with _making:
        if _default is None:
            if _make_default is None:
                raise ImproperlyConfigured("There is no app yet. Make one first: q = LocalQ(path='jobs.db')")
            _default = _make_default()
        return _default


def set_maker(make: Callable[[], Any]) -> None:
    """Let this make the default app, when it is first asked for."""
    global _make_default
    _make_default = make


def app_or_none() -> Any:
    """Return the current app, the default one only if it was asked for before, or None."""
    return _default if _app is None else _app


def set_app(new: Any) -> None:
    """Make an app the current one of this process; None: there is none, and the default one is forgotten."""
    global _app, _default
    _app = new
    if new is None:
        _default = None


def in_slot() -> bool:
    """Whether this process is a slot of a pool (or the parent that forks them)."""
    return _in_slot


def set_in_slot() -> None:
    """Mark this process as one that runs tasks: it must start no worker of its own."""
    global _in_slot
    _in_slot = True


def _task() -> Any:
    running = request.get()
    here = app_or_none()
    return None if running is None or here is None else here.tasks.find(running.task)


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

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._find())

    def __dir__(self) -> list[str]:
        return dir(self._find())

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._find(), name)

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


def get_current_app() -> Any:
    """Return the current app itself."""
    return app()


def get_current_task() -> Any:
    """Return the task that runs here, itself, or None."""
    return _task()


#: Stand for the current app, and for the task that runs here (None outside tasks).
current_app: Any = _Stand(app, "current app")
current_task: Any = _Stand(_task, "current task")
