"""A chain: tasks one after another, each with the result of the one before in front of its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, Unpack, overload

from localq.canvas.parts import Part
from localq.canvas.signatures import Signature, Workflow, maybe_signature, of_task
from localq.canvas.stamping import StampingVisitor, listed, stamp_each
from localq.model.option_types import SignatureOptions

__all__ = ["after", "chain", "is_chord", "signatures"]

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
        it to all in headers; chords within the header of a step's body have it in the latter two alone.
        """
        everywhere = self.app.conf.get("task_allow_error_cb_on_chord_header")
        one: Any
        for number, one in enumerate(tasks):
            header = one.subtask_type == "group" and one is not tasks[-1]
            if everywhere or (within and not header):
                one.link_error(errback)
            elif not header:
                tasks[number] = _told(one, errback)
            elif within or number == 0:
                for member in one.flat():
                    if is_chord(member):
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
        whole = other.subtask_type == "chain" and not other.options and not other.args
        given: list[Any] = other["kwargs"]["tasks"] if whole else [other]
        steps = [_one_of_one(one) for one in given] if len(self.tasks) > 1 else given
        taken = self._goes_on_with(steps)
        new: Any = self
        if taken:
            new = self.clone()
            new.tasks = [*new.tasks, *steps[:taken]]
        return new if taken == len(steps) else chain(*new.unchain_tasks(True), *steps[taken:], app=self._app)

    def _goes_on_with(self, steps: Sequence[Signature[Any]]) -> int:
        """Return how many of the steps become part of the last one, as in Celery: the chain's callbacks are for them.

        What follows a group is the body of a chord, and what follows a chord is a part of its body.
        """
        kinds = [one.subtask_type for one in self.tasks]
        last = next((kind for kind in reversed(kinds) if kind in ("chain", "group", "chord")), None)
        if last not in ("group", "chord") or is_chord(self):
            return 0
        for number, one in enumerate(steps):
            kind = one.subtask_type
            if kind in ("chain", "group") or (kind == "chord" and kinds[-1] != "group"):
                return number
            kinds.append(kind)
        return len(steps)

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


def _one_of_one(sig: Any) -> Any:
    """Return the task of a group of one, and anything else as it is."""
    return sig.tasks[0] if sig.subtask_type == "group" and len(sig.tasks) == 1 and not sig.options else sig


def is_chord(sig: Any) -> bool:
    """Say whether a signature is a chord, or a chain of which Celery makes one: of a group, and of what its body is."""
    if sig.subtask_type != "chain":
        return bool(sig.subtask_type == "chord")
    first, *rest = [one.subtask_type for one in sig.tasks] or [None]
    return first == "group" and bool(rest) and not {"group", "chain"}.intersection(rest[1:])


def _told(sig: Any, errback: Mapping[str, Any]) -> Any:
    """Return a step of a chain with an error callback on what it ends with, and on no chord within a header in it."""
    if sig.subtask_type == "chain" and is_chord(sig) and not sig.options and not sig.args:
        first, *rest = sig.tasks
        sig = Signature.TYPES["chord"](first, rest[0] if len(rest) == 1 else chain(*rest, app=sig._app), app=sig._app)
    if sig.subtask_type == "chord":
        sig.body = _told(sig.body, errback)
    elif sig.subtask_type == "group":
        sig.tasks = [_told(one, Signature.from_dict(errback).clone()) for one in sig.tasks]
    else:
        sig.link_error(errback)
    return sig
