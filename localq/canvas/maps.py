"""Calls of one task for many arguments: one job for all (`xmap`, `xstarmap`), or one for so many (`chunks`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from localq.canvas.groups import group
from localq.canvas.signatures import Signature, Workflow, maybe_signature
from localq.model.bounds import is_whole

__all__ = ["MAP", "STARMAP", "chunks", "xmap", "xstarmap"]

#: The tasks that do the work.
MAP, STARMAP = "localq.map", "localq.starmap"


def _task(given: Any, app: Any) -> Signature[Any]:
    if isinstance(given, Mapping):
        made = maybe_signature(given, app)
        assert made is not None
        return made
    return Signature(given, app=app or getattr(given, "app", None))


class _Mapped(Signature[Any]):
    """One job that calls a task for each item."""

    KIND: str = ""
    TASK: str = ""

    def __init__(self, task: Any, it: Iterable[Any], app: Any = None, **options: Any) -> None:
        sig = _task(task, app)
        super().__init__(
            self.TASK,
            (),
            {"task": sig, "it": list(it)},
            options,
            immutable=True,
            app=sig._app if app is None else app,
            subtask_type=self.KIND,
        )

    @classmethod
    def restore(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return it from its dict."""
        kwargs = d.get("kwargs") or {}
        return cls(kwargs.get("task"), kwargs.get("it") or [], app, **(d.get("options") or {}))

    def _copy(self) -> Signature[Any]:
        return type(self).restore(self, self._app)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the task here for each item."""
        return self.app.run_here(self)


@Signature.register_type("xmap")
class xmap(_Mapped):  # noqa: N801 - Celery's name
    """One job that calls a task with each item: `[task(x) for x in it]`."""

    KIND, TASK = "xmap", MAP

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return it as a comprehension."""
        return f"[{self['kwargs']['task'].task}(x) for x in {self['kwargs']['it']!r}]"


@Signature.register_type("xstarmap")
class xstarmap(_Mapped):  # noqa: N801 - Celery's name
    """One job that calls a task with the items of each item: `[task(*x) for x in it]`."""

    KIND, TASK = "xstarmap", STARMAP

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return it as a comprehension."""
        return f"[{self['kwargs']['task'].task}(*x) for x in {self['kwargs']['it']!r}]"


@Signature.register_type("chunks")
class chunks(Workflow):  # noqa: N801 - Celery's name
    """A group of jobs each of which calls a task for the next `n` argument tuples of an iterable."""

    def __init__(self, task: Any, it: Iterable[Any], n: int, app: Any = None, **options: Any) -> None:
        number: Any = n
        if not is_whole(number, 1):
            raise ValueError(f"chunks takes the number of calls in a job, 1 or more, not {n!r}")
        sig = _task(task, app)
        super().__init__(
            "celery.chunks",
            (),
            {"task": sig, "it": list(it), "n": n},
            options,
            immutable=True,
            app=sig._app if app is None else app,
            subtask_type="chunks",
        )

    @classmethod
    def restore(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return it from its dict."""
        kwargs = d.get("kwargs") or {}
        return cls(kwargs.get("task"), kwargs.get("it") or [], kwargs.get("n", 1), app, **(d.get("options") or {}))

    def _copy(self) -> Signature[Any]:
        return chunks.restore(self, self._app)

    def group(self) -> group:
        """Return the group of jobs."""
        kwargs = self["kwargs"]
        items = iter(kwargs["it"])
        parts = iter(lambda: list(itertools.islice(items, kwargs["n"])), [])
        return group([xstarmap(kwargs["task"], part, app=self._app) for part in parts], app=self._app, **self.options)

    def apply_async(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Add all jobs, in one transaction; return a GroupResult."""
        return self.group().apply_async(args, kwargs, **options)

    def __call__(self, **options: Any) -> Any:
        """Add all jobs, in one transaction; return a GroupResult."""
        return self.apply_async(**options)
