"""A chain: tasks one after another, each with the result of the one before in front of its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, Unpack, overload

from localq.canvas.parts import Part
from localq.canvas.signatures import Signature, Workflow, maybe_signature, of_task
from localq.canvas.stamping import StampingVisitor, listed, stamp_each
from localq.model.option_types import SignatureOptions

__all__ = ["after", "chain", "signatures"]

S = TypeVar("S")


def signatures(given: Any, app: Any = None) -> list[Signature[Any]]:
    """Return the signatures of an iterable, or of one signature; a task stands for its own."""
    given = of_task(given)
    if isinstance(given, Mapping):
        given = [given]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"Expected a signature, such as task.s(), or several, not {given!r}")
    made = []
    for one in map(of_task, given):
        if not isinstance(one, Mapping):
            raise TypeError(f"Expected a signature, such as task.s(), not {one!r}")
        made.append(one if isinstance(one, Signature) else Signature.from_dict(one, app))
    return made


def after(result: Any, parent: Any) -> Any:
    """Return a result whose first ancestor comes after `parent`."""
    first = result
    while first.parent is not None:
        first = first.parent
    first.parent = parent
    return result


class _Steps(Workflow):
    """What chains and groups share: signatures in a list, sent together."""

    KIND = ""

    def __init__(self, *tasks: Any, app: Any = None, **options: Any) -> None:
        alone = len(tasks) == 1 and isinstance(tasks[0], Mapping)
        if len(tasks) == 1:
            (only,) = tasks
            tasks = tuple(signatures(only, app)) if not isinstance(only, self._own()) else tuple(only.tasks)
        given = signatures(tasks, app)
        super().__init__(
            f"celery.{self.KIND}",
            (),
            {"tasks": given if alone else self._arranged(given)},
            options,
            app=app,
            subtask_type=self.KIND,
        )

    @classmethod
    def _own(cls) -> type[_Steps]:
        return cls

    def _arranged(self, tasks: list[Signature[Any]]) -> list[Signature[Any]]:
        return tasks

    @classmethod
    def restore(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return a chain or group from its dict."""
        made = cls(app=app)
        made["kwargs"]["tasks"] = signatures((d.get("kwargs") or {}).get("tasks") or [], app)
        made["args"] = tuple(d.get("args") or ())
        made["options"] = dict(d.get("options") or {})
        made["immutable"] = bool(d.get("immutable", False))
        return made

    @property
    def tasks(self) -> list[Signature[Any]]:
        """The signatures, live."""
        found: list[Signature[Any]] = self["kwargs"]["tasks"]
        return found

    @tasks.setter
    def tasks(self, tasks: Iterable[Any]) -> None:
        self["kwargs"]["tasks"] = signatures(tasks, self._app)

    def _speakers(self) -> Sequence[Any]:
        return self.tasks[:1]

    def _copy(self) -> Signature[Any]:
        new = type(self).restore(self, self._app)
        new["kwargs"]["tasks"] = [one.clone() for one in self.tasks]
        return new

    def clone(
        self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[SignatureOptions]
    ) -> Signature[Any]:
        """Return a copy, of each signature too; keyword arguments go to the tasks that get `args`."""
        new = super().clone(args, None, **options)
        if kwargs:
            for one in new["kwargs"]["tasks"][: 1 if self.KIND == "chain" else None]:
                if not one.immutable:
                    one["kwargs"] = {**one["kwargs"], **kwargs}
        return new

    def stamp(
        self, visitor: StampingVisitor | None = None, append_stamps: bool = False, **headers: Any
    ) -> Signature[Any]:
        """Mark each task; see `Signature.stamp`."""
        within = {} if visitor is None else getattr(visitor, f"on_{self.KIND}_start")(self, **headers) or {}
        self.stamp_links(visitor, append_stamps, **headers)
        stamp_each(self.tasks, visitor, append_stamps, headers, within)
        if visitor is not None:
            getattr(visitor, f"on_{self.KIND}_end")(self, **headers)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add all jobs, with arguments in front of the first ones' own."""
        return self.apply_async(args, kwargs)

    def __len__(self) -> int:
        return len(self.tasks)


class _LastId(Part):
    """A chain's id: where none was said, its last task's."""

    def __get__(self, sig: Any, owner: Any = None) -> Any:
        found = super().__get__(sig, owner)
        return found if found is not None or not sig.tasks else sig.tasks[-1].id


@Signature.register_type("chain")
class chain(_Steps):  # noqa: N801 - Celery's name
    """Tasks one after another: `chain(a.s(1), b.s())`, or `a.s(1) | b.s()`.

    A group that is followed by something passes the list of its results. A group of one, given to `chain` with
    others, is its only task. `link` belongs to the last task, `link_error` to each, any other option to the first.
    """

    KIND = "chain"

    def _arranged(self, tasks: list[Signature[Any]]) -> list[Signature[Any]]:
        flat: list[Signature[Any]] = []
        for one in tasks:
            whole = isinstance(one, chain) and not one.options and not one.args
            flat.extend(one["kwargs"]["tasks"] if whole else [one])
        flat = [one for one in flat if one.subtask_type != "group" or one["kwargs"]["tasks"]]
        unrolled: list[Signature[Any]] = []
        for one in flat:
            # As in Celery, where group | group is a chord whose body is a group, whatever its size.
            is_body = len(unrolled) == 1 and unrolled[0].subtask_type == "group"
            unroll = one.subtask_type == "group" and len(one["kwargs"]["tasks"]) == 1 and not one.options
            unrolled.extend(one["kwargs"]["tasks"] if unroll and not is_body else [one])
        return unrolled

    def unchain_tasks(self, within: bool = False) -> list[Signature[Any]]:
        """Return copies of the tasks, with the chain's callbacks on them.

        Args:
            within: The chain is a step of another.
        """
        tasks = [one.clone() for one in self.tasks]
        for errback in listed(self.options.get("link_error")):
            self._tell(tasks, errback, within)
        for callback in listed(self.options.get("link")):
            tasks[-1].link(callback)
        return tasks

    def _tell(self, tasks: list[Signature[Any]], errback: Mapping[str, Any], within: bool) -> None:
        """Give each task an error callback.

        A group that something follows is the header of a chord, whose body has it. As in Celery chords within a header
        have it, too, where the chain begins with that header or is a step of another chain, and where the setting gives
        it to all in headers.
        """
        everywhere = self.app.conf.get("task_allow_error_cb_on_chord_header")
        one: Any
        for number, one in enumerate(tasks):
            header = one.subtask_type == "group" and one is not tasks[-1]
            if everywhere or not (header or one.subtask_type == "chord"):
                one.link_error(errback)
            elif not header:
                (one if within else one.body).link_error(errback)
            elif within or number == 0:
                for member in one.flat():
                    if member.subtask_type == "chord":
                        member.link_error(errback)

    def freeze(self, _id: str | None = None, group_id: str | None = None, **more: Any) -> Any:
        """Give each task the id it will have; return the last one's result, with its parents."""
        before = None
        more.pop("group_index", None)
        for one in self.tasks:
            last = one is self.tasks[-1]
            result = one.freeze(self.options.get("task_id") or _id, group_id, **more) if last else one.freeze(**more)
            before = result if before is None else after(result, before)
        return before

    id = _LastId("The last task's id; None while that is not known.", "options.task_id")

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
        last = self.tasks[-1].subtask_type if self.tasks else None
        task = other.subtask_type not in ("group", "chain")
        if task and (last == "group" or (last == "chord" and other.subtask_type != "chord")):
            # As in Celery it becomes part of the last step, for which the chain's callbacks are.
            new: Any = self.clone()
            new.tasks = [*new.tasks, other]
            return new
        return chain(*self.unchain_tasks(), other, app=self._app)

    __ior__ = __or__  # type: ignore[assignment]

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return the tasks with bars between."""
        first, *rest = [one.reprcall(*args, **kwargs) if n == 0 else repr(one) for n, one in enumerate(self.tasks)] or [
            "chain()"
        ]
        return " | ".join([first, *rest])


def maybe_chain(value: Any, app: Any = None) -> Signature[Any] | None:
    """Return a signature of one, or a chain of a list of several."""
    if value is None or isinstance(value, Mapping):
        return maybe_signature(value, app)
    return chain(*value, app=app)
