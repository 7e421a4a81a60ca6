"""Arguments and results <-> bytes.

JSON is the default, and the only serializer read without being asked for. What JSON has no word for is
written as an object with a tag, `{"$lq": "datetime", "v": "2026-01-01T12:00:00+00:00"}`, from a closed list:
datetime, date, time, timedelta, UUID, Decimal, bytes, complex, tuple, set, frozenset, NaN and the infinities,
dicts with keys other than strings, and the enums and dataclasses given to `register`. A user's own dict with
the key "$lq" is escaped. The bytes are always valid ASCII JSON; equal sets give equal bytes.

What comes back is equal and of the same type, but:
- a subclass of a type above that is no enum (OrderedDict, defaultdict, numpy.float64, a named tuple,
  pandas.Timestamp) comes back as the type above;
- a time zone other than a ZoneInfo comes back as its fixed offset.

Pickle and dill run whatever their bytes say, and who knows what a program's own serializer does: reading them needs
their name in `accept`. No name found in bytes ever imports a module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeVar, overload

from localq.exceptions import (
    DecodeError,
    EncodeError,
    SecurityError,
    SoftTimeLimitExceeded,
)
from localq.serialization.serializers import accepted, check_serializer, find_serializer, register_serializer
from localq.serialization.tagged_json.large import is_large, write_large
from localq.serialization.tagged_json.reader import read_value, size
from localq.serialization.tagged_json.types import brief, register_class
from localq.serialization.tagged_json.writer import (
    all_finite,
    all_leaves,
    all_strings,
    chunks,
    is_plain,
    write_call,
    write_value,
)

__all__ = ["MAX_DEPTH", "brief", "decode", "decode_call", "encode", "encode_call", "register"]

#: Containers inside containers that JSON may hold; far below what json's own recursion survives.
MAX_DEPTH = 64

C = TypeVar("C", bound=type)
#: Integers below it are written at once; Python refuses to write those of more than some thousand digits.
_LONG_INT = 1 << 64
#: What serializers make of a list.
_LISTS = (list, tuple)
#: Those that make plain values alone, whatever the bytes say.
_HARMLESS = ("json", "yaml", "msgpack")


def encode(value: Any, serializer: str = "json", where: str = "result") -> bytes:
    """Write `value` down.

    Args:
        where: What the value is, for the path in an error: `result[0].name: cannot write ...`.

    Raises:
        EncodeError: The serializer has no way to write the value, or something inside it.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer != "json":
        return _write(value, serializer, where)
    if value is None:
        return b"null"
    kind = type(value)
    if kind is bool:
        return b"true" if value else b"false"
    if kind is int and -_LONG_INT < value < _LONG_INT:
        return b"%d" % value
    try:
        if is_plain(value, MAX_DEPTH):
            if is_large((value,)) and (written := write_large(value, finite=kind is str)) is not None:
                return written
            return "".join(chunks(value, 0)).encode("ascii")
    except (ValueError, RuntimeError):
        pass  # NaN, an endless int, no stack left: the careful way writes it or says what is wrong where
    return write_value(value, where, MAX_DEPTH)


def decode(data: bytes, serializer: str = "json", accept: Collection[str] = ("json",)) -> Any:
    """Read back what `encode` wrote.

    Args:
        accept: The serializers this process agrees to read.

    Raises:
        SecurityError: The serializer is not in `accept`.
        DecodeError: The bytes are damaged, or speak of a tag or class that is not known here.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer not in accept and not accepted(serializer, accept):
        _refuse(serializer, accept)
    return read_value(data) if serializer == "json" else _read(data, serializer)


def encode_call(args: tuple[Any, ...], kwargs: dict[str, Any], serializer: str = "json") -> bytes:
    """Write down a call's arguments, as `[args, kwargs]`.

    Raises:
        EncodeError: An argument cannot be written; the text starts with its path, as in `args[0]['a']`.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer != "json":
        return _write([list(args), dict(kwargs)], serializer, "the arguments")
    try:
        if (all_leaves(map(type, args)) or is_plain(list(args), MAX_DEPTH + 1)) and (
            not kwargs or is_plain(kwargs, MAX_DEPTH + 1)
        ):
            if is_large(args) or (kwargs and is_large(kwargs.values())):
                finite = all_finite(map(type, args)) and all_finite(map(type, kwargs.values()))
                if (written := write_large([args, kwargs], finite=finite)) is not None:
                    return written
            return "".join(chunks([args, kwargs], 0)).encode("ascii")
    except (ValueError, RuntimeError):
        pass
    return write_call(args, kwargs, MAX_DEPTH)


def decode_call(
    data: bytes, serializer: str = "json", accept: Collection[str] = ("json",)
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read back a call's arguments.

    Raises:
        SecurityError, DecodeError, ImproperlyConfigured: As `decode`; also when it is no `[args, kwargs]`.
    """
    call = read_value(data) if serializer == "json" and "json" in accept else decode(data, serializer, accept)
    if type(call) in _LISTS and len(call) == 2:
        args, kwargs = call
        if type(args) in _LISTS and type(kwargs) is dict and (not kwargs or all_strings(map(type, kwargs))):
            return tuple(args), kwargs
    raise DecodeError("the stored arguments are not [args, kwargs]: a list, and an object with names as keys")


# Other serializers


def _write(value: Any, serializer: str, where: str) -> bytes:
    write = find_serializer(serializer).write
    try:
        return write(value)
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:  # __reduce__ and __getstate__ are users' code, and so are encoders
        raise EncodeError(f"{where}: {serializer} cannot write {brief(type(value))}: {brief(exc)}") from exc


def _read(data: bytes, serializer: str) -> Any:
    read = find_serializer(serializer).read
    try:
        return read(data)
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:  # bad bytes give any exception at all, and so do users' __setstate__
        raise DecodeError(f"cannot read the stored {serializer} ({size(data)}): {brief(exc)}") from exc


def _refuse(serializer: str, accept: Collection[str]) -> NoReturn:
    check_serializer(serializer)
    raise SecurityError(
        f"content in {serializer!r} is refused: this process accepts {', '.join(accept) or 'nothing'}; "
        f"add {serializer!r} to accept_content"
        + ("" if serializer in _HARMLESS else ", if you trust whoever can write the queue: reading it runs code")
    )


# Registering


@overload
def register(cls: C, *, name: str | None = None) -> C: ...
@overload
def register(cls: None = None, *, name: str | None = None) -> Callable[[C], C]: ...
@overload
def register(
    cls: str,
    encoder: Callable[[Any], str | bytes],
    decoder: Callable[[Any], Any],
    content_type: str,
    content_encoding: str = "utf-8",
) -> None: ...
@overload
def register(
    *,
    name: str,
    encoder: Callable[[Any], str | bytes],
    decoder: Callable[[Any], Any],
    content_type: str,
    content_encoding: str = "utf-8",
) -> None: ...
def register(
    cls: Any = None,
    encoder: Any = None,
    decoder: Any = None,
    content_type: str = "",
    content_encoding: str = "utf-8",
    *,
    name: Any = None,
) -> Any:
    """Let members of an enum or instances of a dataclass be written as JSON; or make a serializer known by a name.

    `@register` above a class, or `register("name", encoder, decoder, content_type, content_encoding)` as in kombu.
    See `localq.serialization.tagged_json.types.register_class` and
    `localq.serialization.serializers.register_serializer`.
    """
    if isinstance(cls, str) or encoder is not None:
        return register_serializer(name if cls is None else cls, encoder, decoder, content_type, content_encoding)
    return register_class(cls, name=name)
