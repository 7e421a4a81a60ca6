"""A call as a value: which task, with what, and how (celery/canvas.py of 5.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from localq import current
from localq.exceptions import InvalidTaskError
from localq.result import AsyncResult

__all__ = ["Signature", "signature"]

R = TypeVar("R")


class _App(Protocol):
    """What a signature needs of an app."""

    def send(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> AsyncResult[Any]: ...

    def run_here(self, sig: Signature[Any]) -> Any: ...


class Signature(dict[str, Any], Generic[R]):
    """A task's name with arguments and options: a dict that can be stored, sent and called.

    Args:
        task: The task's name, a task, or another signature's dict.
        immutable: Arguments given later are left out: a callback gets no result.
        app: The app that sends it; default: the current one when it is sent.
    """

    def __init__(
        self,
        task: Any = None,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
        app: Any = None,
        **more: Any,
    ) -> None:
        if isinstance(task, Mapping):
            super().__init__(task)
            self.setdefault("args", [])
            self["args"] = tuple(self["args"])
            self.setdefault("kwargs", {})
            self.setdefault("options", {})
            self.setdefault("immutable", False)
        else:
            name = getattr(task, "name", task)
            if args is not None and not isinstance(args, tuple | list):
                raise TypeError(f"The arguments of a signature are a tuple or list, not {args!r}")
            super().__init__(
                task=name,
                args=tuple(args or ()),
                kwargs=dict(kwargs or {}),
                options={**(options or {}), **more},
                immutable=immutable,
            )
        if not isinstance(self.get("task"), str) or not self["task"]:
            raise InvalidTaskError(f"A signature needs the name of a task, not {self.get('task')!r}")
        self._app: _App | None = app

    # Parts

    @property
    def task(self) -> str:
        """The task's name."""
        return str(self["task"])

    name = task

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return tuple(self["args"])

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        return dict(self["kwargs"])

    @property
    def options(self) -> dict[str, Any]:
        """The options, live: `set` changes them."""
        found: dict[str, Any] = self["options"]
        return found

    @property
    def immutable(self) -> bool:
        """Whether arguments given later are left out."""
        return bool(self["immutable"])

    @property
    def app(self) -> Any:
        """The app that sends it."""
        return self._app or current.app()

    # Making others

    def clone(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Signature[R]:
        """Return a copy with `args` put in front, and `kwargs` and options merged over its own."""
        if self.immutable:
            new: Signature[R] = Signature(
                self.task, self.args, self.kwargs, {**self.options, **options}, immutable=True, app=self._app
            )
        else:
            new = Signature(
                self.task,
                (*args, *self.args),
                {**self.kwargs, **(kwargs or {})},
                {**self.options, **options},
                app=self._app,
            )
        for name in ("link", "link_error"):
            if name in new["options"]:
                new["options"][name] = list(_listed(new["options"][name]))
        return new

    partial = clone

    def set(self, *, immutable: bool | None = None, **options: Any) -> Signature[R]:
        """Set options on this signature; return it."""
        if immutable is not None:
            self["immutable"] = immutable
        self["options"].update(options)
        return self

    def link(self, callback: Mapping[str, Any]) -> Any:
        """Add a callback for success; return it."""
        return self._append("link", callback)

    def link_error(self, errback: Mapping[str, Any]) -> Any:
        """Add a callback for failure; return it."""
        return self._append("link_error", errback)

    def on_error(self, errback: Mapping[str, Any]) -> Signature[R]:
        """Add a callback for failure; return this signature."""
        self._append("link_error", errback)
        return self

    def _append(self, name: str, callback: Mapping[str, Any]) -> Any:
        links = list(_listed(self["options"].get(name)))
        if callback not in links:
            links.append(callback)
        self["options"][name] = links
        return callback

    # Calling

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult[R]:
        """Add the job, with `args` put in front of its own."""
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> AsyncResult[R]:
        """Add the job; see `Task.apply_async` for options."""
        sig = self.clone(args, kwargs, **options)
        return self.app.send(sig.task, sig.args, sig.kwargs, sig.options)  # type: ignore[no-any-return]

    async def adelay(self, *args: Any, **kwargs: Any) -> AsyncResult[R]:
        """Add the job without blocking the event loop."""
        return await asyncio.to_thread(self.apply_async, args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Run the task here and now."""
        return self.app.run_here(self.clone(args, kwargs))  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        shown = [*(repr(a) for a in self.args), *(f"{k}={v!r}" for k, v in self.kwargs.items())]
        return f"{self.task}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Signature, (dict(self),)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, Mapping) else list(value)


def signature(task: Any, *args: Any, **options: Any) -> Signature[Any]:
    """Make a signature from a name, a task, or a dict; see `Signature`."""
    if isinstance(task, Signature):
        return task.clone()
    return Signature(task, *args, **options)
