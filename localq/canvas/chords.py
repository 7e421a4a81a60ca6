"""A chord: a group, and a task that gets the list of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from localq.canvas.chains import after, is_chord, signatures
from localq.canvas.groups import group
from localq.canvas.signatures import Signature, Workflow, maybe_signature, of_task
from localq.canvas.stamping import StampingVisitor, stamp_each
from localq.model.hints import nearest
from localq.model.ids import new_id
from localq.result import GroupResult

__all__ = ["ON_ERROR", "chord", "on_error_of"]

S = TypeVar("S")

#: What a chord's body may do about header tasks that fail.
ON_ERROR = ("fail", "wait", "skip")
#: Options of a chord that are not the header's.
_OF_BODY = ("task_id", "link", "link_error", "on_error", "stamped_headers")


def on_error_of(options: Mapping[str, Any]) -> str:
    """Return the policy among options.

    Raises:
        ValueError: it is none; the nearest is named.
    """
    given = options.get("on_error")
    if given is None:
        return "fail"
    if given not in ON_ERROR:
        raise ValueError(f"on_error={given!r} must be one of {', '.join(ON_ERROR)}.{nearest(str(given), [*ON_ERROR])}")
    return str(given)


@Signature.register_type("chord")
class chord(Workflow):  # noqa: N801 - Celery's name
    """A group with a task that runs when all of it is done: `chord(header)(body)`, or `group(...) | body`.

    The body gets the list of results, in the header's order. Options other than callbacks and the id, given when it
    is sent, are for both; `countdown` and `eta` for the header.

    Args:
        header: Signatures; their results are the body's first argument.
        body: A signature of any kind.
        on_error: What becomes of the body when a header task fails. "fail": it fails at once, with a ChordError;
            "wait": it fails when all have finished; "skip": it runs, with the results there are.
    """

    def __init__(
        self,
        header: Any,
        body: Any = None,
        task: str = "celery.chord",
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        app: Any = None,
        **options: Any,
    ) -> None:
        on_error_of(options)
        tasks = header.tasks if isinstance(header, group) else signatures(header, app)
        inherited = header.options if isinstance(header, group) else {}
        policy = {"on_error": inherited["on_error"]} if "on_error" in inherited else {}
        super().__init__(
            task,
            args,
            {"kwargs": dict(kwargs or {}), "header": tasks, "body": maybe_signature(body, app)},
            {**policy, **options},
            app=app,
            subtask_type="chord",
        )

    @classmethod
    def restore(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return a chord from its dict."""
        kwargs = d.get("kwargs") or {}
        body = kwargs.get("body")
        made = cls(
            signatures(kwargs.get("header") or [], app),
            None if body is None or isinstance(body, Signature) else Signature.from_dict(body, app),
            args=d.get("args") or (),
            kwargs=kwargs.get("kwargs"),
            app=app,
            **(d.get("options") or {}),
        )
        if isinstance(body, Signature):
            made["kwargs"]["body"] = body
        made["immutable"] = bool(d.get("immutable", False))
        if "header_id" in d:
            made["header_id"] = d["header_id"]
        return made

    @property
    def tasks(self) -> list[Signature[Any]]:
        """The header's signatures, live."""
        found: list[Signature[Any]] = self["kwargs"]["header"]
        return found

    @tasks.setter
    def tasks(self, tasks: Any) -> None:
        self["kwargs"]["header"] = tasks.tasks if isinstance(tasks, group) else signatures(tasks, self._app)

    @property
    def header(self) -> group:
        """The header as a group of the same signatures."""
        return group(*self.tasks, app=self._app) if len(self.tasks) != 1 else group([self.tasks[0]], app=self._app)

    @property
    def body(self) -> Any:
        """The signature that gets the results."""
        return self["kwargs"]["body"]

    @body.setter
    def body(self, body: Any) -> None:
        self["kwargs"]["body"] = maybe_signature(body, self._app)

    def header_options(self) -> dict[str, Any]:
        """Return the options that are for the header's tasks."""
        return {name: value for name, value in self.options.items() if name not in _OF_BODY}

    def body_options(self) -> dict[str, Any]:
        """Return the options that are for the body."""
        left_out = ("countdown", "eta", "on_error", "link", "link_error")
        return {name: value for name, value in self.options.items() if name not in left_out}

    def _speakers(self) -> Sequence[Any]:
        return (*self.tasks[:1], self.body)

    def _copy(self) -> Signature[Any]:
        new: Any = chord.restore(self, self._app)
        new["kwargs"]["header"] = [one.clone() for one in self.tasks]
        new["kwargs"]["body"] = None if self.body is None else self.body.clone()
        return new  # type: ignore[no-any-return]

    def clone(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Signature[Any]:
        """Return a copy, of header and body too; the keyword argument `body` puts another in its place."""
        body = (kwargs or {}).get("body")
        new: Any = super().clone(args, None, **options)
        if body is not None:
            new.body = maybe_signature(body, clone=True)
        return new  # type: ignore[no-any-return]

    def link(self, callback: Mapping[str, Any]) -> Any:
        """Add a callback to the body; return it."""
        return self._body().link(callback)

    def link_error(self, errback: Mapping[str, Any]) -> Any:
        """Add an error callback to the body, which hears of every failure, and to chords in the header; return it.

        With the setting task_allow_error_cb_on_chord_header each header task gets it as well.
        """
        everywhere = self.app.conf.get("task_allow_error_cb_on_chord_header")
        for one in self.tasks:
            if everywhere or is_chord(one):
                one.link_error(Signature.from_dict(errback).clone())
        return self._body().link_error(errback)

    def _body(self) -> Any:
        if self.body is None:
            raise ValueError("A chord without a body has none to link a callback to: chord(header, body)")
        return self.body

    def set_immutable(self, immutable: bool) -> None:
        """Say whether the body gets the results."""
        self._body().set_immutable(immutable)

    def apply_async(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Add all jobs, in one transaction; return the body's result, whose parent is the header's GroupResult."""
        return self.app.send_workflow(self, args, kwargs, options)

    def __call__(self, body: Any = None, **options: Any) -> Any:
        """Add all jobs, with `body` if one is given."""
        return self.apply_async((), {} if body is None else {"body": body}, **options)

    def freeze(self, _id: str | None = None, group_id: str | None = None, **more: Any) -> Any:
        """Give every task the id it will have; return the body's result, whose parent is the header's."""
        self["header_id"] = own = self.get("header_id") or new_id()
        more.pop("group_index", None)
        header = GroupResult(own, [one.freeze(group_id=own, **more) for one in self.header.flat()], app=self.app)
        return after(self._body().freeze(self.options.get("task_id") or _id, group_id, **more), header)

    def stamp(
        self, visitor: StampingVisitor | None = None, append_stamps: bool = False, **headers: Any
    ) -> Signature[Any]:
        """Mark header and body; see `Signature.stamp`."""
        within = {} if visitor is None else visitor.on_chord_header_start(self, **headers) or {}
        stamp_each(self.tasks, visitor, append_stamps, headers, within)
        if visitor is not None:
            visitor.on_chord_header_end(self, **headers)
        if self.body is not None:
            more = {} if visitor is None else visitor.on_chord_body(self, **headers) or {}
            stamp_each([self.body], visitor, append_stamps, headers, more)
        return self

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
        if isinstance(other, group) and len(other.tasks) == 1:
            other = other.tasks[0]
        if other.subtask_type in ("group", "chain") or self.body is None:
            return super().__or__(other)
        new: Any = self.clone()
        new.body = new.body | other
        return new

    __ior__ = __or__  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.tasks)

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return the body, called with the header."""
        body = "chord" if self.body is None else self.body.task
        return f"%{body}([{', '.join(repr(one) for one in self.tasks[:10])}{', ...' if len(self.tasks) > 10 else ''}])"
