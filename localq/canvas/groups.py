"""A group: tasks side by side; its result is the list of theirs, in order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, TypeVar, Unpack, overload

from localq.canvas.chains import _Steps
from localq.canvas.signatures import Signature, Workflow, of_task
from localq.model.ids import new_id
from localq.model.option_types import SignatureOptions
from localq.result import GroupResult

__all__ = ["group"]

S = TypeVar("S")


@Signature.register_type("group")
class group(_Steps):  # noqa: N801 - Celery's name
    """Tasks side by side: `group(add.s(i, i) for i in range(10))`.

    Followed by a task it is the header of a chord. Groups directly within it are part of it. Options given when it
    is sent are for each task; its id is the group's.
    """

    KIND = "group"

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> group:
        """Let each task wait longer than the one before: `start` seconds, `start + step`, ..., `stop` at most."""
        for number, one in enumerate(self.tasks):
            countdown = start + number * step
            one.set(countdown=countdown if stop is None else min(countdown, stop))
        return self

    def flat(self) -> list[Signature[Any]]:
        """Return the tasks, those of groups directly within included."""
        found: list[Signature[Any]] = []
        for one in self.tasks:
            found.extend(one.flat() if isinstance(one, group) else [one])
        return found

    def link(self, callback: Mapping[str, Any]) -> Any:
        """Add a callback to the first task, immutable: it fires once; for the results use a chord."""
        if not self.tasks:
            raise ValueError("A group without tasks has none to link a callback to")
        return self.tasks[0].link(Signature.from_dict(callback).clone().set(immutable=True))

    def link_error(self, errback: Mapping[str, Any]) -> Any:
        """Add an error callback to each task: it is called once for each that fails."""
        return tuple(one.link_error(Signature.from_dict(errback).clone()) for one in self.tasks)

    def set_immutable(self, immutable: bool) -> None:
        """Say of each task whether arguments given later are left out."""
        for one in self.tasks:
            one.set_immutable(immutable)

    def apply_async(
        self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[SignatureOptions]
    ) -> Any:
        """Add all jobs, in one transaction; return a GroupResult.

        Raises:
            TypeError: a callback is given, which no group has: use a chord, or the tasks' own.
        """
        options.pop("add_to_parent", None)
        if options.pop("link", None) is not None:
            raise TypeError("A group has no callback of its own: use a chord")
        if options.pop("link_error", None) is not None:
            raise TypeError("A group has no error callback of its own: give it to the tasks")
        return super().apply_async(args, kwargs, **options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Add all jobs, with arguments in front of each one's own."""
        return self.apply_async(args, **options)

    def freeze(self, _id: str | None = None, group_id: str | None = None, **more: Any) -> Any:
        """Give the group and each task the id it will have; return the result it will have."""
        self.options["task_id"] = own = self.options.get("task_id") or _id or new_id()
        more.pop("group_index", None)
        return GroupResult(own, [one.freeze(group_id=own, **more) for one in self.flat()], app=self.app)

    @overload  # type: ignore[override]
    def __or__(self, other: Workflow) -> Any: ...
    @overload
    def __or__(self, other: Signature[S]) -> Signature[S]: ...
    @overload
    def __or__(self, other: Any) -> Any: ...
    def __or__(self, other: Any) -> Any:
        other = of_task(other)
        if not isinstance(other, Signature):
            return NotImplemented
        if isinstance(other, group) and not other.tasks:
            return self
        return Signature.TYPES["chord"](self, other, app=self._app)

    __ior__ = __or__  # type: ignore[assignment]

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return the tasks in brackets; the first ten of many."""
        shown = [repr(one) for one in itertools.islice(self.tasks, 10)]
        more = [f"... {len(self.tasks) - 10} more"] if len(self.tasks) > 10 else []
        return f"group([{', '.join(shown + more)}])"
