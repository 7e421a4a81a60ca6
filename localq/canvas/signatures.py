"""A call as a value: which task, with what, and how; and what all canvas types share (celery/canvas.py of 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, Unpack, overload

from localq import current
from localq.canvas.cycles import copied, refuse_cycles
from localq.canvas.parts import Part
from localq.canvas.stamping import StampingVisitor, listed, merged_stamps, stamp_each, stamps_of
from localq.exceptions import InvalidTaskError
from localq.model.ids import new_id
from localq.model.option_types import SignatureOptions
from localq.result import AsyncResult

__all__ = ["Signature", "Workflow", "maybe_signature", "of_task", "signature", "subtask"]

R = TypeVar("R")
S = TypeVar("S")
_Type = TypeVar("_Type", bound="type[Signature[Any]]")
#: Kinds of lists of arguments.
_LISTS = (tuple, list)
#: Options that hold signatures.
_LINKS = ("link", "link_error")


class _App(Protocol):
    """What a signature needs of an app."""

    def send_signature(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> AsyncResult[Any]: ...

    def send_workflow(self, sig: Any, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any: ...

    def apply_workflow(self, sig: Any, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any: ...

    def run_here(self, sig: Signature[Any]) -> Any: ...

    def result_of(self, task: str, job_id: str) -> AsyncResult[Any]: ...


class Signature(dict[str, Any], Generic[R]):
    """A task's name with arguments and options: a dict that can be stored, sent and called.

    `a | b` makes a chain, `~sig` calls it and waits for the result.

    Args:
        task: The task's name, a task, or another signature's dict.
        immutable: Arguments given later are left out: a callback gets no result.
        app: The app that sends it; default: the current one when it is sent.
    """

    #: Classes of signatures by their `subtask_type`.
    TYPES: ClassVar[dict[str, type[Signature[Any]]]] = {}

    def __init__(
        self,
        task: Any = None,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
        app: Any = None,
        subtask_type: str | None = None,
        **more: Any,
    ) -> None:
        # The task itself, which Celery takes beside its name.
        more.pop("type", None)
        # Most are made of a name, and of abstract classes the question takes longer.
        if type(task) is not str and isinstance(task, Mapping):
            super().__init__(task)
            self["args"] = tuple(self.get("args") or ())
            self["kwargs"] = dict(self.get("kwargs") or {})
            self["options"] = dict(self.get("options") or {})
            self.setdefault("subtask_type", None)
            self.setdefault("immutable", False)
        else:
            name = getattr(task, "name", task)
            if args is not None and not isinstance(args, _LISTS):
                raise TypeError(f"The arguments of a signature are a tuple or list, not {args!r}")
            super().__init__(
                task=name,
                args=tuple(args or ()),
                kwargs=dict(kwargs or {}),
                options={**(options or {}), **more},
                subtask_type=subtask_type,
                immutable=immutable,
            )
        name = self.get("task")
        if not isinstance(name, str) or not name:
            raise InvalidTaskError(f"A signature needs the name of a task, not {name!r}")
        self._app: _App | None = app

    @classmethod
    def register_type(cls, name: str | None = None) -> Callable[[_Type], _Type]:
        """Make a class that of dicts with such a `subtask_type`; default: the name of the class."""

        def register(made: _Type) -> _Type:
            Signature.TYPES[name or made.__name__] = made
            return made

        return register

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return a signature, of the class its `subtask_type` names; a class may define its own."""
        made = Signature.TYPES.get(str(d.get("subtask_type")))
        if made is None:
            return Signature(d, app=app)
        own = getattr(made.from_dict, "__func__", None) is not getattr(Signature.from_dict, "__func__", None)
        if own:
            return Signature(d, app=app) if made is cls else made.from_dict(d, app=app)
        return made.restore(d, app)

    @classmethod
    def restore(cls, d: Mapping[str, Any], app: Any = None) -> Signature[Any]:
        """Return a signature of this class from its dict."""
        return cls(d, app=app)

    # Parts: values of the dict, which can be set; what is a dict is live

    task = Part("The task's name.", "task")
    args = Part("The positional arguments.", "args", tuple)
    kwargs = Part("The keyword arguments.", "kwargs")
    options = Part("The options; `set` changes them, too.", "options")
    subtask_type = Part("What it is: chain, group, chord, chunks, xmap, xstarmap; None for a task.", "subtask_type")
    immutable = Part("Whether arguments given later are left out.", "immutable", bool)
    id = Part("The id it will have; None while that is not known.", "options.task_id")
    parent_id = Part("The id of the job that sends it, where that is said.", "options.parent_id")
    root_id = Part("The id of the first job of its workflow, where that is said.", "options.root_id")

    @property
    def name(self) -> str:
        """The task's name, as a task has it."""
        return str(self["task"])

    @property
    def type(self) -> Any:
        """The task, where it is known here."""
        return self.app.tasks[self.task]

    @property
    def app(self) -> Any:
        """The app that sends it: its own, that of its first task, or the current one."""
        seen: set[int] = set()
        left: list[Any] = [self]
        while left:
            sig = left.pop()
            if isinstance(sig, Signature) and id(sig) not in seen:
                if sig._app is not None:
                    return sig._app
                seen.add(id(sig))
                left.extend(reversed(sig._speakers()))
        return current.app()

    def _speakers(self) -> Sequence[Any]:
        """Return the signatures in it that say which app sends it, where it does not."""
        return ()

    # Making others

    def clone(
        self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[SignatureOptions]
    ) -> Signature[R]:
        """Return a copy with `args` put in front, and `kwargs` and options merged over its own."""
        new: Signature[R] = self._copy()
        if not self.immutable:
            new["args"] = (*(args or ()), *self.args)
            new["kwargs"] = {**new["kwargs"], **(kwargs or {})}
        own = self.options
        # What was said of its group, and its stamps, stay.
        kept = ("group_id", "stamped_headers", *(own.get("stamped_headers") or ())) if options else ()
        new["options"] = {**own, **options, **{name: own[name] for name in kept if name in own}}
        for name in _LINKS:
            if name in new["options"]:
                new["options"][name] = [copied(one) for one in listed(new["options"][name])]
        return new

    partial = clone

    def _copy(self) -> Signature[R]:
        return Signature(self, app=self._app) if self["subtask_type"] is None else Signature.from_dict(self, self._app)

    def replace(self, args: Any = None, kwargs: Any = None, options: Any = None) -> Signature[R]:
        """Return a copy with other arguments, keyword arguments or options in place of its own."""
        new = self.clone()
        for name, value in (("args", args), ("kwargs", kwargs), ("options", options)):
            if value is not None:
                new[name] = tuple(value) if name == "args" else dict(value)
        return new

    def set(self, immutable: bool | None = None, **options: Unpack[SignatureOptions]) -> Signature[R]:
        """Set options on this signature; return it."""
        if immutable is not None:
            self.set_immutable(immutable)
        self["options"].update(options)
        return self

    def set_immutable(self, immutable: bool) -> None:
        """Say whether arguments given later are left out."""
        self["immutable"] = immutable

    def freeze(self, _id: str | None = None, group_id: str | None = None, **more: Any) -> Any:
        """Give it the id it will have, if it has none yet; return the result it will have.

        Args:
            more: `root_id` and `parent_id` are kept.
        """
        said = {name: more.get(name) for name in ("root_id", "parent_id")}
        said["group_id"] = self.options.get("group_id") or group_id
        self.options.update({name: value for name, value in said.items() if value})
        self.options["task_id"] = self.options.get("task_id") or _id or new_id()
        return self.app.result_of(self.task, self.options["task_id"])

    def link(self, callback: Mapping[str, Any]) -> Any:
        """Add a callback for success; return it."""
        return self.append_to_list_option("link", callback)

    def link_error(self, errback: Mapping[str, Any]) -> Any:
        """Add a callback for failure; return it."""
        return self.append_to_list_option("link_error", errback)

    def on_error(self, errback: Mapping[str, Any]) -> Signature[R]:
        """Add a callback for failure; return this signature."""
        self.link_error(errback)
        return self

    def append_to_list_option(self, key: str, value: Any) -> Any:
        """Add to an option that is a list, unless it is there; return the value."""
        self.extend_list_option(key, [value])
        return value

    def extend_list_option(self, key: str, value: Any) -> None:
        """Add several to an option that is a list, each that is not there."""
        kept = list(listed(self.options.get(key)))
        for one in listed(value):
            if one not in kept:
                kept.append(one)
        self.options[key] = kept

    def flatten_links(self) -> list[Signature[Any]]:
        """Return this signature and its callbacks for success, theirs included."""
        links = [maybe_signature(one, self._app) for one in listed(self.options.get("link"))]
        return [self, *(deep for one in links if one is not None for deep in one.flatten_links())]

    # Stamping

    def stamp(
        self, visitor: StampingVisitor | None = None, append_stamps: bool = False, **headers: Any
    ) -> Signature[R]:
        """Mark it, and its callbacks, with headers; return it.

        Args:
            visitor: Says what each part is stamped with (`StampingVisitor`).
            append_stamps: A stamp that is there keeps its values beside the new ones.
            headers: Stamps by name.
        """
        self.stamp_links(visitor, append_stamps, **headers)
        own = stamps_of(headers)
        if visitor is not None:
            own.update(stamps_of(visitor.on_signature(self, **headers) or {}))
        self.options.update(merged_stamps(self.options, own, append_stamps))
        return self

    def stamp_links(self, visitor: StampingVisitor | None, append_stamps: bool = False, **headers: Any) -> None:
        """Mark its callbacks, for success and for failure."""
        for name in _LINKS:
            if self.options.get(name):
                links = [maybe_signature(one, self._app) for one in listed(self.options[name])]
                for one in links:
                    assert one is not None
                    asked = None if visitor is None else visitor.on_callback if name == "link" else visitor.on_errback
                    more = {} if asked is None else asked(one, **headers) or {}
                    stamp_each([one], visitor, append_stamps, headers, more)
                self.options[name] = links

    # Calling

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult[R]:
        """Add the job, with `args` put in front of its own."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[SignatureOptions]
    ) -> AsyncResult[R]:
        """Add the job; see `Task.apply_async` for options."""
        said: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        sig = self.clone(args, kwargs, **said)
        return self.app.send_signature(sig.task, sig.args, sig.kwargs, sig.options)  # type: ignore[no-any-return]

    def apply(self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> AsyncResult[R]:
        """Run it here and now, on a store in memory; return its result."""
        return self.app.apply_workflow(self, args, kwargs, options)  # type: ignore[no-any-return]

    async def adelay(self, *args: Any, **kwargs: Any) -> AsyncResult[R]:
        """Add the job without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.apply_async, args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Run the task here and now."""
        return self.app.run_here(self.clone(args, kwargs))  # type: ignore[no-any-return]

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
        return Signature.TYPES["chain"](self, other, app=self._app)

    __ior__ = __or__  # type: ignore[assignment]

    if TYPE_CHECKING:
        # Else mypy takes `a | b` for what the dict `b` makes of it.
        def __ror__(self, other: Any) -> Any: ...

    def __invert__(self) -> R:
        return self.apply_async().get()

    # Saying

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return the call as it would be written, with more arguments in front."""
        whole = self.clone(args, kwargs)
        shown = [*(repr(a) for a in whole.args), *(f"{k}={v!r}" for k, v in whole.kwargs.items())]
        return f"{self.task}({', '.join(shown)})"

    def __repr__(self) -> str:
        return self.reprcall()

    def __json__(self) -> dict[str, Any]:
        return dict(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Signature.from_dict, (dict(self),)


class Workflow(Signature[Any]):
    """A signature of several jobs; what sending it returns depends on how it ends."""

    def apply_async(
        self, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[SignatureOptions]
    ) -> Any:
        """Add all jobs, in one transaction; return the result."""
        return self.app.send_workflow(self, args, kwargs, options)


def signature(task: Any, *args: Any, **options: Any) -> Signature[Any]:
    """Make a signature from a name, a task, or a dict (of any canvas type); see `Signature`.

    Raises:
        InvalidTaskError: the dict contains itself.
    """
    if isinstance(task, Signature):
        return task.clone()
    if isinstance(task, Mapping):
        refuse_cycles(task)
        return Signature.from_dict(task, options.get("app"))
    return Signature(task, *args, **options)


subtask = signature


def of_task(given: Any) -> Any:
    """Return a task's signature where a task is given in place of one; anything else as it is."""
    made = None if isinstance(given, Mapping | str | type) else getattr(given, "s", None)
    return made() if callable(made) and isinstance(getattr(given, "name", None), str) else given


def maybe_signature(d: Any, app: Any = None, clone: bool = False) -> Signature[Any] | None:
    """Return a signature of a dict; a signature as it is (or a copy); None for None."""
    d = of_task(d)
    if d is None:
        return None
    if isinstance(d, Signature):
        if app is not None:
            d._app = app
        return d.clone() if clone else d
    return signature(d, app=app)
