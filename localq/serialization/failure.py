"""An exception as text: what user code raises crosses processes as text and JSON, and nobody unpickles it.

`describe` makes a `Failure` where the exception was raised; `exception_rebuild.rebuild` makes an exception
of it where the outcome is read.
"""

from __future__ import annotations

import json
import os
import traceback
from functools import partial
from typing import Any, NamedTuple, TypeVar

from localq.serialization import codec
from localq.serialization.exception_parts import arguments, attributes, guarded, traceback_of
from localq.serialization.signing import body_of

__all__ = ["NOT_STATE", "Failure", "RemoteTraceback", "clean", "describe", "dump", "load"]

#: Characters kept of a message or traceback, and bytes of arguments: a repr of 1 GB must not reach the store.
LIMIT = 64 * 1024

#: Notes kept of an exception; together they take one `limit`.
MAX_NOTES = 16
#: Parts kept of an exception group, which share its limit; with less than `_LEAST` each, none are.
MAX_PARTS = 64
_LEAST = 256

#: Attributes that `rebuild` sets, or that have a field of their own.
NOT_STATE = frozenset({"__notes__", "remote_failure", "remote_traceback"})

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
        parts: The exceptions of a group.
    """

    type: str
    module: str
    message: str
    args: list[Any] | None = None
    traceback: str = ""
    state: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    cause: str | None = None
    parts: tuple[Failure, ...] = ()


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
        notes=guarded(lambda: _notes(exc, limit), ()),
        cause=guarded(lambda: _cause(exc), None),
        parts=_parts(exc, limit),
    )


def dump(failure: Failure) -> bytes:
    """Write a failure as JSON."""
    try:
        return json.dumps(_plain(failure), allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError):  # args or state of a failure that describe did not make
        if failure.args is None and failure.state is None and not failure.parts:
            raise
        return dump(failure._replace(args=None, state=None, parts=()))


def _plain(failure: Failure) -> dict[str, Any]:
    said = failure._asdict()
    if failure.parts:
        said["parts"] = [_plain(part) for part in failure.parts]
    else:
        del said["parts"]
    return said


def load(data: bytes) -> Failure:
    """Read what `dump` wrote, signed or not; other bytes give a failure that says so.

    No signature is verified: `localq.serialization.sealing` does that, where an exception is made of it.
    """
    try:
        return _read(json.loads(body_of(data)))
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        text = f"the stored error cannot be read: {exc}; it is {codec.brief(data)}"
        return Failure("DecodeError", "localq.exceptions", text)


def _read(found: Any) -> Failure:
    kind, module, message = found["type"], found["module"], found["message"]
    if not all(isinstance(text, str) for text in (kind, module, message)):
        raise TypeError("type, module and message must be strings")
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
        parts=tuple(_read(part) for part in _typed(found, "parts", list) or []),
    )


def clean(text: str) -> str:
    """Escape what logs, terminals and databases refuse: lone surrogates and NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\0", "\\x00")


def _typed(found: dict[str, Any], name: str, kind: type[T]) -> T | None:
    value = found.get(name)
    return value if isinstance(value, kind) else None


# Describing

# Past what a class of the user's may define by these names.
_GROUP_MESSAGE: Any = vars(BaseExceptionGroup)["message"]
_GROUP_PARTS: Any = vars(BaseExceptionGroup)["exceptions"]
#: Frames of files in here are LocalQ's own.
_PACKAGE = os.path.dirname(os.path.dirname(describe.__code__.co_filename)) + os.sep


def _name(exc: BaseException) -> tuple[str, str]:
    cls = type(exc)
    kind = guarded(lambda: clean(cls.__qualname__[:500]), "") or "Exception"
    module = guarded(lambda: clean(cls.__module__[:500]), "") or "builtins"
    # multiprocessing's spawn gives the main script this second name, which only its children know.
    return kind, "__main__" if module == "__mp_main__" else module


def _message(exc: BaseException, limit: int) -> str:
    try:
        return _cut(str.__str__(str(exc)), limit)
    except BaseException as error:
        return f"<str() of this {_name(exc)[0]} raised {_name(error)[0]}>"


def _args(exc: BaseException, limit: int) -> list[Any] | None:
    data = guarded(lambda: codec.encode(_own_arguments(exc)), b"")
    args: list[Any] | None = json.loads(data) if 0 < len(data) <= limit else None
    return args


def _own_arguments(exc: BaseException) -> list[Any]:
    # The parts of a group are kept by themselves.
    return [_GROUP_MESSAGE.__get__(exc)] if _is_group(exc) else list(arguments(exc))


def _is_group(exc: BaseException) -> bool:
    return issubclass(type(exc), BaseExceptionGroup)  # its class may lie to isinstance()


def _parts(exc: BaseException, limit: int) -> tuple[Failure, ...]:
    if not _is_group(exc):
        return ()
    parts = _GROUP_PARTS.__get__(exc)
    each = limit // (2 * min(len(parts), MAX_PARTS))
    return () if each < _LEAST else tuple(describe(part, limit=each) for part in parts[:MAX_PARTS])


def _state(exc: BaseException, limit: int) -> dict[str, Any] | None:
    found: dict[Any, Any] = guarded(lambda: dict(attributes(exc)), {})
    state: dict[str, Any] = {}
    for name, value in found.items():
        if type(name) is str and name not in NOT_STATE:
            data = guarded(partial(codec.encode, value), b"")
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
    found = traceback_of(exc)
    shown = found
    while shown is not None and shown.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        shown = shown.tb_next
    frames = shown or found  # an error of LocalQ's own shows LocalQ's frames

    def whole() -> str:
        return "".join(traceback.TracebackException(type(exc), exc, frames).format())

    def short() -> str:
        return "".join([*traceback.format_tb(frames), f"{_name(exc)[0]}: {_message(exc, limit)}\n"])

    text = guarded(whole, "") or guarded(short, "")
    if len(text) <= limit:
        return clean(text)
    # Both ends matter: the first cause and the task's frames, and the error itself.
    head, rest = text[: limit // 3], text[len(text) - (limit - limit // 3) :]
    return clean(f"{head}\n... [{len(text) - limit:,} characters cut] ...\n{rest}")


def _cut(text: str, limit: int) -> str:
    if len(text) > limit:
        text = f"{text[:limit]}... [{len(text) - limit:,} characters cut]"
    return clean(text)
