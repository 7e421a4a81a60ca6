"""The serializers there are by name: those that come along, and those that programs register (kombu's `register`)."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured
from localq.model.hints import nearest

__all__ = ["Serializer", "accepted", "check_serializer", "find_serializer", "register_serializer", "serializer_names"]

#: Pickle protocol of both opt-in serializers: the newest that every supported Python reads.
PICKLE_PROTOCOL = 5
#: What bytes of a program's own serializer begin with: no mark of what is packed, signed or fed does.
_OWN = b"="
#: Encodings by which kombu means bytes as they are.
_BINARY = ("binary", "ascii-8bit")


class Serializer(NamedTuple):
    """How values are written and read; both raise whatever they raise."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    content_type: str


def _pickle() -> Serializer:
    def write(value: Any) -> bytes:
        return pickle.dumps(value, protocol=PICKLE_PROTOCOL)

    return Serializer(write, pickle.loads, "application/x-python-serialize")


def _dill() -> Serializer:
    dill = _package("dill", "dill", "pip install dill")

    def write(value: Any) -> bytes:
        # recurse: take along the globals a function uses, not all of its module's.
        written: bytes = dill.dumps(value, protocol=PICKLE_PROTOCOL, recurse=True)
        return written

    return Serializer(write, dill.loads, "application/x-python-dill")


def _yaml() -> Serializer:
    yaml = _package("yaml", "yaml", "pip install 'localq[yaml]'")
    return _own(yaml.safe_dump, yaml.safe_load, "application/x-yaml", "utf-8")


def _msgpack() -> Serializer:
    msgpack = _package("msgpack", "msgpack", "pip install 'localq[msgpack]'")

    def read(data: bytes) -> Any:
        return msgpack.unpackb(data, raw=False, strict_map_key=False)

    return _own(msgpack.packb, read, "application/x-msgpack", "binary")


def _package(serializer: str, name: str, how: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImproperlyConfigured(f"serializer {serializer!r} needs a package that is not there: {how}") from None


#: What comes along, made when it is first used. JSON is not among them: the codec is its serializer.
_MAKERS: dict[str, Callable[[], Serializer]] = {"pickle": _pickle, "dill": _dill, "yaml": _yaml, "msgpack": _msgpack}
_made: dict[str, Serializer] = {}
_CONTENT_TYPES = {
    "json": "application/json",
    "pickle": "application/x-python-serialize",
    "yaml": "application/x-yaml",
    "msgpack": "application/x-msgpack",
}


def register_serializer(
    name: str,
    encoder: Callable[[Any], str | bytes],
    decoder: Callable[[Any], Any],
    content_type: str,
    content_encoding: str = "utf-8",
) -> None:
    """Make a serializer of one's own known by a name, in this process.

    Do it in a module that client and worker both import, and name it in `accept_content`.

    Args:
        encoder: Returns a text or bytes for a value; calls are lists of their arguments and their keywords.
        decoder: Returns the value again, of a text, or of bytes where `content_encoding` is "binary".
        content_type: Another name that `accept_content` may have for it.

    Raises:
        ImproperlyConfigured: the name is "json": what LocalQ writes itself is in its own.
    """
    if name == "json":
        raise ImproperlyConfigured("serializer 'json' comes with LocalQ; register yours under another name")
    _made[name] = _own(encoder, decoder, content_type, content_encoding)
    _CONTENT_TYPES[name] = content_type


def _own(
    encoder: Callable[[Any], Any], decoder: Callable[[Any], Any], content_type: str, content_encoding: str
) -> Serializer:
    binary = content_encoding.lower() in _BINARY

    def write(value: Any) -> bytes:
        written = encoder(value)
        if isinstance(written, str):
            written = written.encode("utf-8" if binary else content_encoding)
        if not isinstance(written, bytes | bytearray):
            raise TypeError(f"its encoder returned {type(written).__name__}, neither text nor bytes")
        return _OWN + bytes(written)

    def read(data: bytes) -> Any:
        inner = data.removeprefix(_OWN)
        return decoder(inner if binary else inner.decode(content_encoding))

    return Serializer(write, read, content_type)


def find_serializer(name: str) -> Serializer:
    """Return a serializer by its name.

    Raises:
        ImproperlyConfigured: there is none of that name, or the package that it needs is not there.
    """
    found = _made.get(name)
    if found is None:
        make = _MAKERS.get(name)
        if make is None:
            raise ImproperlyConfigured(
                f"unknown serializer {name!r}; there are {', '.join(serializer_names())}, and those that "
                f"localq.register() was given.{nearest(str(name), serializer_names())}"
            )
        found = _made[name] = make()
    return found


def check_serializer(name: str) -> str:
    """Return the name of a serializer that can be used here.

    Raises:
        ImproperlyConfigured: as of `find_serializer`.
    """
    if name != "json":
        find_serializer(name)
    return name


def accepted(name: str, accept: Collection[str]) -> bool:
    """Whether a serializer is among those accepted, by its name or by its content type."""
    return name in accept or _CONTENT_TYPES.get(name) in accept


def serializer_names() -> tuple[str, ...]:
    """Return the names of all serializers."""
    return tuple(dict.fromkeys(["json", *_MAKERS, *_made]))
