"""An exception as text, and back.

What user code raises crosses processes as text and JSON: nobody unpickles it. `describe` makes a `Failure`
where the exception was raised, `rebuild` makes an exception of it where the outcome is read. A class named by
a failure is looked up among the modules that are imported already; it is never imported, and only classes
that are exceptions and call themselves by that very name are taken (CVE-2021-23727: a lookup without limits).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache, partial
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, TypeVar

from localq import codec

__all__ = ["Failure", "RemoteError", "RemoteTraceback", "describe", "dump", "load", "rebuild"]

#: Characters kept of a message or traceback, and bytes of arguments: a repr of 1 GB must not reach the store.
LIMIT = 64 * 1024

#: Notes kept of an exception; together they take one `limit`.
MAX_NOTES = 16

T = TypeVar("T")


class Failure(NamedTuple):
    """What is kept of an exception.

    Attributes:
        type: The class's qualname.
        module: Where the class says it was defined.
        message: The exception's str().
        args: Its arguments in the codec's JSON form, or None when they have none or are too long.
        traceback: The text Python would print, causes included.
        state: Further attributes that were set on it, as far as the codec's JSON form can say them.
        notes: What `add_note` added.
        cause: One line on what it was raised from.
    """

    type: str
    module: str
    message: str
    args: list[Any] | None = None
    traceback: str = ""
    state: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    cause: str | None = None


class RemoteError(Exception):
    """An error of a class that is not known here, or that must not be raised here.

    What `rebuild` makes is a subclass that bears the name and module of the original.

    Attributes:
        remote_failure: The Failure it was made from.
        remote_traceback: The traceback's text.
    """

    remote_failure: Failure | None = None
    remote_traceback: str = ""

    def __str__(self) -> str:
        return self.remote_failure.message if self.remote_failure else super().__str__()

    def __reduce__(self) -> Any:
        return (rebuild, (self.remote_failure,)) if self.remote_failure else super().__reduce__()


class RemoteTraceback(Exception):
    """The cause of a rebuilt exception: printed with it, it shows where the task failed."""

    def __str__(self) -> str:
        return f'\n"""\n{"".join(map(str, self.args))}"""'


def describe(exc: BaseException, *, limit: int = LIMIT) -> Failure:
    """Put an exception into words; raises nothing, whatever the exception's own methods do.

    Frames of LocalQ above the task's function are left out of the traceback.

    Args:
        limit: Longest message and longest traceback, in characters; what is cut says how much. Arguments and
            attributes are kept whole or not at all.
    """
    kind, module = _name(exc)
    return Failure(
        type=kind,
        module=module,
        message=_message(exc, limit),
        args=_args(exc, limit),
        traceback=_traceback(exc, limit),
        state=_state(exc, limit),
        notes=_attempt(lambda: _notes(exc, limit), ()),
        cause=_attempt(lambda: _cause(exc), None),
    )


def dump(failure: Failure) -> bytes:
    """Write a failure as JSON."""
    try:
        return json.dumps(failure._asdict(), allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError):  # args or state of a failure that describe did not make
        if failure.args is None and failure.state is None:
            raise
        return dump(failure._replace(args=None, state=None))


def load(data: bytes) -> Failure:
    """Read what `dump` wrote; other bytes give a failure that says so."""
    try:
        found = json.loads(data)
        kind, module, message = found["type"], found["module"], found["message"]
        if not all(isinstance(text, str) for text in (kind, module, message)):
            raise TypeError("type, module and message must be strings")
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        text = f"the stored error cannot be read: {exc}; it is {codec.brief(data)}"
        return Failure("DecodeError", "localq.exceptions", text)
    notes = _typed(found, "notes", list) or []
    return Failure(
        type=kind,
        module=module,
        message=message,
        args=_typed(found, "args", list),
        traceback=_typed(found, "traceback", str) or "",
        state=_typed(found, "state", dict),
        notes=tuple(note for note in notes if isinstance(note, str)),
        cause=_typed(found, "cause", str),
    )


def rebuild(failure: Failure) -> BaseException:
    """Make an exception to raise here for one that was raised elsewhere; raises nothing itself.

    It is of the original class if an imported module defines that as an Exception. Otherwise it is a
    `RemoteError` of the same name, as also for SystemExit and others that would end the caller. Its
    `remote_traceback` holds the traceback's text, and its cause prints it.
    """
    args: list[Any] | None = _from_json(failure.args)
    state: dict[str, Any] = _from_json(failure.state) or {}
    cls = _attempt(lambda: _find_class(failure.module, failure.type), None, _RAISED_HERE)
    if cls is not None:
        for make in (_construct, _make_bare, _make_named):
            exc = _attempt(partial(_make_whole, make, cls, failure, args, state), None, _RAISED_HERE)
            if exc is not None:
                return exc
    return _make_whole(_make_named, RemoteError, failure, args, state)


# Describing

#: BaseException's own descriptors: a class may define properties of these names that raise.
_ARGS: Any = vars(BaseException)["args"]
_TRACEBACK: Any = vars(BaseException)["__traceback__"]
_DICT = "__dict__"

#: Attributes that `rebuild` sets, or that have a field of their own.
_NOT_STATE = frozenset({"__notes__", "remote_failure", "remote_traceback"})

_PACKAGE = os.path.dirname(describe.__code__.co_filename) + os.sep

_Errors = tuple[type[BaseException], ...]
#: Describing is a worker's work, which nothing that a user's method raises may end.
_ANY: _Errors = (BaseException,)
#: Rebuilding is done in the user's program, where Ctrl-C stays Ctrl-C.
_RAISED_HERE: _Errors = (Exception, SystemExit, GeneratorExit)


def _attempt(read: Callable[[], T], fallback: T, errors: _Errors = _ANY) -> T:
    """Run code that touches users' classes."""
    try:
        return read()
    except errors:
        return fallback


def _name(exc: BaseException) -> tuple[str, str]:
    cls = type(exc)
    kind = _attempt(lambda: _clean(cls.__qualname__[:500]), "") or "Exception"
    module = _attempt(lambda: _clean(cls.__module__[:500]), "") or "builtins"
    # multiprocessing's spawn gives the main script this second name, which only its children know.
    return kind, "__main__" if module == "__mp_main__" else module


def _message(exc: BaseException, limit: int) -> str:
    try:
        return _cut(str.__str__(str(exc)), limit)
    except BaseException as error:
        return f"<str() of this {_name(exc)[0]} raised {_name(error)[0]}>"


def _arguments(exc: BaseException) -> tuple[Any, ...]:
    """Give the arguments that make such an exception; OSError keeps the file names elsewhere."""
    args: tuple[Any, ...] = _ARGS.__get__(exc)
    if isinstance(exc, OSError) and len(args) == 2 and exc.filename is not None:
        args += (_file_name(exc.filename),)
        if exc.filename2 is not None:
            args += (None, _file_name(exc.filename2))
    return args


def _file_name(name: Any) -> Any:
    return os.fspath(name) if isinstance(name, os.PathLike) else name


def _args(exc: BaseException, limit: int) -> list[Any] | None:
    data = _attempt(lambda: codec.encode(list(_arguments(exc))), b"")
    args: list[Any] | None = json.loads(data) if 0 < len(data) <= limit else None
    return args


def _state(exc: BaseException, limit: int) -> dict[str, Any] | None:
    attributes: dict[Any, Any] = _attempt(lambda: dict(object.__getattribute__(exc, _DICT)), {})
    state: dict[str, Any] = {}
    for name, value in attributes.items():
        if type(name) is str and name not in _NOT_STATE:
            data = _attempt(partial(codec.encode, value), b"")
            if data and len(name) + len(data) <= limit:
                state[name] = json.loads(data)
                limit -= len(name) + len(data)
    return state or None


def _notes(exc: BaseException, limit: int) -> tuple[str, ...]:
    notes = list(getattr(exc, "__notes__", ()))[:MAX_NOTES]
    return tuple(_cut(str.__str__(note), limit // MAX_NOTES) for note in notes if isinstance(note, str))


def _cause(exc: BaseException) -> str | None:
    cause = exc.__cause__
    if cause is None and not exc.__suppress_context__:
        cause = exc.__context__
    if cause is None or isinstance(cause, RemoteTraceback):
        return None
    kind, module = _name(cause)
    return f"{kind if module == 'builtins' else f'{module}.{kind}'}: {_message(cause, 1_000)}"


def _traceback(exc: BaseException, limit: int) -> str:
    found: TracebackType | None = _TRACEBACK.__get__(exc)
    shown = found
    while shown is not None and shown.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        shown = shown.tb_next
    frames = shown or found  # an error of LocalQ's own shows LocalQ's frames

    def whole() -> str:
        return "".join(traceback.TracebackException(type(exc), exc, frames).format())

    def short() -> str:
        return "".join([*traceback.format_tb(frames), f"{_name(exc)[0]}: {_message(exc, limit)}\n"])

    text = _attempt(whole, "") or _attempt(short, "")
    if len(text) <= limit:
        return _clean(text)
    # Both ends matter: the first cause and the task's frames, and the error itself.
    head, rest = text[: limit // 3], text[len(text) - (limit - limit // 3) :]
    return _clean(f"{head}\n... [{len(text) - limit:,} characters cut] ...\n{rest}")


def _cut(text: str, limit: int) -> str:
    if len(text) > limit:
        text = f"{text[:limit]}... [{len(text) - limit:,} characters cut]"
    return _clean(text)


def _clean(text: str) -> str:
    """Escape what logs, terminals and databases refuse: lone surrogates and NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\0", "\\x00")


# Rebuilding


def _typed(found: dict[str, Any], name: str, kind: type[T]) -> T | None:
    value = found.get(name)
    return value if isinstance(value, kind) else None


def _from_json(content: Any) -> Any:
    if content is None:
        return None
    return _attempt(lambda: codec.decode(json.dumps(content).encode()), None, _RAISED_HERE)


def _find_class(module_name: str, qualname: str) -> type[Exception] | None:
    """Look an Exception class up, step by step through classes; run no import and no `__getattr__`."""
    module = sys.modules.get(module_name)
    if not issubclass(type(module), ModuleType):
        return None
    names: Any = object.__getattribute__(module, _DICT)  # not vars(): a lazy module would load itself
    found: Any = None
    for part in qualname.split("."):
        found = names.get(part)
        if not isinstance(found, type):
            return None
        names = vars(found)
    # Not an alias either: `os.error` is no name that an exception ever gave itself.
    known = issubclass(found, Exception) and (found.__module__, found.__qualname__) == (module_name, qualname)
    return found if known else None


def _construct(cls: type[Exception], failure: Failure, args: list[Any] | None) -> Exception:
    """Call the class with the arguments, unless its constructor keeps others than it is given."""
    if args is None:
        raise ValueError("the arguments are not known")
    exc = cls(*args)
    if type(exc) is not cls or _arguments(exc) != tuple(args):
        raise ValueError("the constructor takes other arguments than it keeps")
    return exc


def _make_bare(cls: type[Exception], failure: Failure, args: list[Any] | None) -> Exception:
    """Make an instance without `__init__`, as for constructors with arguments of their own."""
    exc = cls.__new__(cls)
    _ARGS.__set__(exc, (failure.message,) if args is None else tuple(args))
    return exc


def _make_named(cls: Any, failure: Failure, args: list[Any] | None) -> Exception:
    """Make a RemoteError by the original's name, which is also a `cls` so that `except` finds it."""
    exc = _make_bare(_named_class(failure.module, failure.type, cls), failure, args)
    object.__getattribute__(exc, _DICT)["remote_failure"] = failure
    return exc


@lru_cache(maxsize=512)
def _named_class(module: str, qualname: str, cls: Any) -> type[RemoteError]:
    qualname = _clean(qualname[:500])
    name = qualname.rpartition(".")[2] or "RemoteError"
    bases = (RemoteError,) if cls is RemoteError else (RemoteError, cls)
    return type(name, bases, {"__module__": _clean(module[:500]), "__qualname__": qualname or name})


def _make_whole(
    make: Callable[[type[Exception], Failure, list[Any] | None], Exception],
    cls: type[Exception],
    failure: Failure,
    args: list[Any] | None,
    state: dict[str, Any],
) -> Exception:
    """Make an exception and add what every rebuilt one has, past any `__setattr__` of its class."""
    exc = make(cls, failure, args)
    attributes = object.__getattribute__(exc, _DICT)
    attributes.update({name: value for name, value in state.items() if name not in _NOT_STATE})
    attributes["remote_traceback"] = failure.traceback
    if failure.notes:
        attributes["__notes__"] = list(failure.notes)
    if failure.traceback:
        object.__setattr__(exc, "__cause__", RemoteTraceback(failure.traceback))
    if failure.message and not str(
        exc
    ):  # it may also raise: an attribute that str() needs was lost on the way
        raise ValueError("the exception says nothing")
    return exc
