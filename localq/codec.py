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

Pickle and dill run whatever their bytes say, so reading them needs their name in `accept`.
This module imports nothing of LocalQ but its exceptions, and no name found in bytes ever imports a module.
"""

from __future__ import annotations

import binascii
import dataclasses
import enum
import inspect
import json
import json.encoder
import math
import pickle
import re
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn, TypeVar, overload
from uuid import UUID
from zoneinfo import ZoneInfo

from localq.exceptions import (
    DecodeError,
    EncodeError,
    ImproperlyConfigured,
    SecurityError,
    SoftTimeLimitExceeded,
)

__all__ = ["MAX_DEPTH", "SERIALIZERS", "brief", "decode", "decode_call", "encode", "encode_call", "register"]

#: The serializers a task may name.
SERIALIZERS = ("json", "pickle", "dill")

#: Containers inside containers that JSON may hold; far below what json's own recursion survives.
MAX_DEPTH = 64

#: Pickle protocol of both opt-in serializers: the newest that every supported Python reads.
PICKLE_PROTOCOL = 5

_TAG = "$lq"

C = TypeVar("C", bound=type)


def encode(value: Any, serializer: str = "json", where: str = "result") -> bytes:
    """Write `value` down.

    Args:
        where: What the value is, for the path in an error: `result[0].name: cannot write ...`.

    Raises:
        EncodeError: The serializer has no way to write the value, or something inside it.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer != "json":
        return _pickle(value, serializer, where)
    try:
        if _is_plain(value, MAX_DEPTH):
            return "".join(_chunks(value, 0)).encode("ascii")
    except (ValueError, RuntimeError):
        pass  # NaN, an endless int, no stack left: the careful way writes it or says what is wrong where
    return _write_all(where, lambda: _write(value, (None, where, None, 0)))


def decode(data: bytes, serializer: str = "json", accept: Collection[str] = ("json",)) -> Any:
    """Read back what `encode` wrote.

    Args:
        accept: The serializers this process agrees to read.

    Raises:
        SecurityError: The serializer is not in `accept`.
        DecodeError: The bytes are damaged, or speak of a tag or class that is not known here.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer not in accept or serializer not in SERIALIZERS:
        _refuse(serializer, accept)
    return _read(data) if serializer == "json" else _unpickle(data, serializer)


def encode_call(args: tuple[Any, ...], kwargs: dict[str, Any], serializer: str = "json") -> bytes:
    """Write down a call's arguments, as `[args, kwargs]`.

    Raises:
        EncodeError: An argument cannot be written; the text starts with its path, as in `args[0]['a']`.
        ImproperlyConfigured: There is no such serializer.
    """
    if serializer != "json":
        return _pickle([list(args), dict(kwargs)], serializer, "the arguments")
    try:
        if (_LEAVES.issuperset(map(type, args)) or _is_plain(list(args), MAX_DEPTH + 1)) and (
            not kwargs or _is_plain(kwargs, MAX_DEPTH + 1)
        ):
            return "".join(_chunks([args, kwargs], 0)).encode("ascii")
    except (ValueError, RuntimeError):
        pass
    # The two outer containers are ours: -1 keeps them out of the depth.
    return _write_all(
        "the arguments",
        lambda: [
            _write_list(args, (None, "args", None, -1)),
            _write_dict(kwargs, (None, "kwargs", None, -1)),
        ],
    )


def decode_call(
    data: bytes, serializer: str = "json", accept: Collection[str] = ("json",)
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read back a call's arguments.

    Raises:
        SecurityError, DecodeError, ImproperlyConfigured: As `decode`; also when it is no `[args, kwargs]`.
    """
    call = decode(data, serializer, accept)
    if type(call) is list and len(call) == 2:
        args, kwargs = call
        if type(args) is list and type(kwargs) is dict and (not kwargs or _STR.issuperset(map(type, kwargs))):
            return tuple(args), kwargs
    raise DecodeError("the stored arguments are not [args, kwargs]: a list, and an object with names as keys")


@overload
def register(cls: C, *, name: str | None = None) -> C: ...
@overload
def register(cls: None = None, *, name: str | None = None) -> Callable[[C], C]: ...
def register(cls: Any = None, *, name: str | None = None) -> Any:
    """Let the members of an enum, or the instances of a dataclass, be written as JSON.

    A dataclass is built again by its constructor; fields that are no parameters of it are set afterwards.
    Do it in a module that client and worker both import: bytes only name the class, they never import it.

    Args:
        name: What the bytes call the class; by default `module.qualname`. Give one to classes of `__main__`,
            and to any class that may be moved while jobs are waiting.

    Raises:
        ImproperlyConfigured: The class is of another kind, or the name belongs to another class.

    Example:
        @register
        @dataclass
        class Point:
            x: int
            y: int
    """
    if cls is None:
        return lambda later: register(later, name=name)
    if not isinstance(cls, type) or not (issubclass(cls, enum.Enum) or dataclasses.is_dataclass(cls)):
        raise ImproperlyConfigured(
            f"cannot register {brief(cls)}: it is no enum or dataclass; write @register above @dataclass"
        )
    if not issubclass(cls, enum.Enum):
        _check_constructor(cls)
    key = name or f"{cls.__module__}.{cls.__qualname__}"
    holder = _CLASSES.setdefault(key, cls)
    # The same place in the source again is a reloaded module or a notebook cell that ran twice.
    if (holder.__module__, holder.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ImproperlyConfigured(f"{key!r} means {brief(holder)} already; give {brief(cls)} another name=")
    _CLASSES[key] = cls
    _NAMES[cls] = key
    return cls


def _check_constructor(cls: Any) -> None:
    fields = {field.name for field in dataclasses.fields(cls) if field.init}
    for parameter in inspect.signature(cls).parameters.values():
        optional = parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if parameter.name not in fields and not optional:
            raise ImproperlyConfigured(
                f"cannot register {brief(cls)}: its constructor needs {parameter.name!r}, which is no field; "
                "give that parameter a default"
            )


# Writing JSON

#: Where a value is: (place of its container or None, step from there, that container, containers above it).
_Place = tuple[Any, object, object, int]


class _Step(str):
    """A step of a path that is shown as it is, unlike an index or a key."""


_LEAVES = frozenset({str, int, float, bool, type(None)})
_STR = frozenset({str})
_KEY = _Step("{key}")
_ITEM = _Step("{item}")
#: From here on one pass in C tells sooner than a loop that all items are leaves.
_LONG = 32
#: Python allows no lower limit than 640 digits for int -> str, which is 2,123 bits.
_SHORT_INT_BITS = 2_000

#: Never dressed as another error: ours say it all, and a soft limit may strike while a value is written.
_PASSING = (EncodeError, DecodeError, SoftTimeLimitExceeded)

_CLASSES: dict[str, type] = {}
_NAMES: dict[type, str] = {}


def _make_chunks() -> Callable[[Any, int], Any]:
    """Build json's encoder once: json.dumps makes a new one for each call."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        whole = json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":")).encode
        return lambda value, _level: (whole(value),)
    chunks: Callable[[Any, int], Any] = make(
        None, _unexpected, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
    )
    return chunks


def _unexpected(value: Any) -> NoReturn:
    raise RuntimeError(f"{type(value)} appeared while the value was being written")


_chunks = _make_chunks()


def _is_plain(value: Any, levels: int) -> bool:
    """Tell whether json itself writes `value` faithfully; it is at most `levels` containers deep then."""
    kind = type(value)
    if kind is list:
        items = value
    elif kind is dict:
        if _TAG in value or not _STR.issuperset(map(type, value)):
            return False
        items = value.values()
    else:
        return kind in _LEAVES
    if not levels:
        return False
    if len(items) > _LONG and _LEAVES.issuperset(map(type, items)):
        return True
    for item in items:  # noqa: SIM110 - all() takes twice the time
        if type(item) not in _LEAVES and not _is_plain(item, levels - 1):
            return False
    return True


def _write_all(where: str, write: Callable[[], Any]) -> bytes:
    try:
        return "".join(_chunks(write(), 0)).encode("ascii")
    except _PASSING:
        raise
    except Exception as exc:  # methods of values are users' code: iterators, properties, time zones
        raise EncodeError(f"{where}: cannot be written as JSON: {brief(exc)}") from exc


def _write(value: Any, at: _Place) -> Any:
    """Turn `value` into what json writes faithfully."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    write = _WRITERS.get(kind)
    if write is None:
        write = _find_writer(value, kind, at)
    return write(value, at)


def _find_writer(value: Any, kind: type, at: _Place) -> Callable[[Any, _Place], Any]:
    is_enum = isinstance(value, enum.Enum)
    if kind in _NAMES:
        return _write_enum if is_enum else _write_dataclass
    if is_enum or dataclasses.is_dataclass(kind):
        _fail(at, kind, f"put @localq.codec.register above its {'class' if is_enum else '@dataclass'} line")
    for base, write in _WRITERS.items():
        if issubclass(kind, base):
            if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
                _fail(at, kind, "it has nanoseconds or is no time at all; pass a datetime or timedelta")
            return write
    _fail(at, kind, _advice(value))


def _advice(value: Any) -> str:
    if isinstance(value, bytearray | memoryview):
        return "pass bytes(value)"
    if hasattr(value, "tolist"):
        return "pass value.tolist()"
    if hasattr(value, "__fspath__"):
        return "pass str(path)"
    if hasattr(value, "fileno"):
        return "pass its name, and open it in the task"
    if hasattr(value, "__next__"):
        return "pass list(value)"
    return "pass plain values, an id or a name, or opt in to serializer='dill' on both task and worker"


def _fail(at: _Place, kind: type, advice: str) -> NoReturn:
    raise EncodeError(f"{_path(at)}: cannot write {brief(kind)} as JSON; {advice}")


def _path(at: _Place) -> str:
    steps: list[str] = []
    place: Any = at
    while place[0] is not None:
        steps.append(place[1] if isinstance(place[1], _Step) else f"[{brief(place[1], 40)}]")
        place = place[0]
    steps.append(place[1])
    text = "".join(reversed(steps))
    return text if len(text) <= 300 else f"{text[:150]}...{text[-100:]}"


def brief(value: object, width: int = 120) -> str:
    """Show a value in an error's text, whatever its repr does."""
    try:
        text = repr(value)
    except Exception:  # a user's __repr__; the error being told matters more
        text = f"<{type(value).__name__}>"
    return text if len(text) <= width else text[: width - 3] + "..."


def _deeper(at: _Place) -> int:
    if at[3] < MAX_DEPTH:
        return at[3] + 1
    places: list[Any] = [at]
    while places[-1][0] is not None:
        places.append(places[-1][0])
    seen: set[int] = set()
    for parent, _, container, _ in reversed(places):
        if container is not None and id(container) in seen:
            raise EncodeError(
                f"{_path(parent)}: this value contains itself, which JSON cannot say; flatten it"
            )
        seen.add(id(container))
    raise EncodeError(
        f"{_path(at)}: containers are nested more than {MAX_DEPTH} deep; "
        "flatten the value, or raise localq.codec.MAX_DEPTH"
    )


def _tagged(tag: str, content: Any) -> dict[str, Any]:
    return {_TAG: tag, "v": content}


def _write_int(value: int, at: _Place) -> int:
    value = int.__pos__(value)
    if value.bit_length() > _SHORT_INT_BITS:
        try:
            int.__repr__(value)
        except ValueError as exc:
            raise EncodeError(f"{_path(at)}: the int is too long for JSON, pass hex(value); {exc}") from exc
    return value


def _write_float(value: float, _at: _Place) -> Any:
    return float.__float__(value) if math.isfinite(value) else _tagged("float", float.__repr__(value))


def _write_list(value: Any, at: _Place) -> list[Any]:
    depth = _deeper(at)
    return [
        item if type(item) in _ATOMS else _write(item, (at, index, value, depth))
        for index, item in enumerate(value)
    ]


def _write_dict(value: dict[Any, Any], at: _Place) -> dict[str, Any]:
    depth = _deeper(at)
    pairs = [
        [
            key if type(key) is str else _write(key, (at, _KEY, value, depth)),
            item if type(item) in _ATOMS else _write(item, (at, key, value, depth)),
        ]
        for key, item in value.items()
    ]
    if all(type(pair[0]) is str and pair[0] != _TAG for pair in pairs):
        return dict(pairs)
    return _tagged("dict", pairs)


def _write_set(value: Any, at: _Place) -> dict[str, Any]:
    depth = _deeper(at)
    items = [_write(item, (at, _ITEM, value, depth)) for item in value]
    # Sorted as text: sets iterate in another order in every process, and equal calls should be equal bytes.
    items.sort(key=lambda item: "".join(_chunks(item, 0)))
    return _tagged("frozenset" if isinstance(value, frozenset) else "set", items)


def _write_datetime(value: datetime, at: _Place) -> dict[str, Any]:
    return _tagged("datetime", datetime.isoformat(value)) | _zone(value, at)


def _write_time(value: time, at: _Place) -> dict[str, Any]:
    return _tagged("time", time.isoformat(value)) | _zone(value, at)


def _zone(value: datetime | time, at: _Place) -> dict[str, Any]:
    extra: dict[str, Any] = {"fold": 1} if value.fold else {}
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        extra["zone"] = zone.key
    elif zone is not None and value.utcoffset() is None:
        _fail(at, type(zone), "this time zone has no fixed offset and no ZoneInfo key; use zoneinfo.ZoneInfo")
    return extra


def _write_timedelta(value: timedelta, _at: _Place) -> dict[str, Any]:
    return _tagged("timedelta", [value.days, value.seconds, value.microseconds])


def _write_complex(value: complex, at: _Place) -> dict[str, Any]:
    return _tagged("complex", [_write_float(value.real, at), _write_float(value.imag, at)])


def _write_enum(value: Any, at: _Place) -> dict[str, Any]:
    kind = type(value)
    if isinstance(value, enum.Flag):
        return _tagged("enum", value.value) | {"t": _NAMES[kind]}
    if kind.__members__.get(value.name) is not value:
        _fail(at, kind, f"{brief(value)} is no member of it")
    return _tagged("enum", value.name) | {"t": _NAMES[kind]}


def _write_dataclass(value: Any, at: _Place) -> dict[str, Any]:
    depth = _deeper(at)
    content = {
        field.name: _write(getattr(value, field.name), (at, _Step(f".{field.name}"), value, depth))
        for field in dataclasses.fields(value)
    }
    return _tagged("data", content) | {"t": _NAMES[type(value)]}


#: Returned as they are; ints and floats are looked at, the others cannot fail.
_ATOMS = frozenset({str, bool, type(None)})

#: By exact type first, then by subclass in this order: datetime is a date.
_WRITERS: dict[type, Callable[[Any, _Place], Any]] = {
    str: lambda value, _at: str.__str__(value),
    int: _write_int,
    float: _write_float,
    list: _write_list,
    dict: _write_dict,
    tuple: lambda value, at: _tagged("tuple", _write_list(value, at)),
    set: _write_set,
    frozenset: _write_set,
    bytes: lambda value, _at: _tagged("bytes", binascii.b2a_base64(value, newline=False).decode("ascii")),
    datetime: _write_datetime,
    date: lambda value, _at: _tagged("date", date.isoformat(value)),
    time: _write_time,
    timedelta: _write_timedelta,
    UUID: lambda value, _at: _tagged("uuid", value.hex),
    Decimal: lambda value, _at: _tagged("decimal", Decimal.__str__(value)),
    complex: _write_complex,
}


# Reading JSON

#: What a tz database key looks like; anything else never reaches ZoneInfo, which opens files by it.
_ZONE_KEY = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_TAG_KEYS = frozenset({_TAG, "v", "t", "fold", "zone"})


def _read(data: bytes) -> Any:
    try:
        text = data.decode()
        # Most bytes hold no tag, and json is faster without a hook; b"$" first because it is one memchr.
        decoder = _TAGGED if b"$" in data and b'"$lq"' in data else _UNTAGGED
        try:
            value, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            end = -1
        return value if end == len(text) else decoder.decode(text)
    except DecodeError:
        raise
    except (ValueError, RecursionError, AttributeError) as exc:
        raise DecodeError(f"cannot read the stored JSON ({_size(data)}): {exc}") from exc


def _size(data: Any) -> str:
    return f"{len(data)} bytes" if isinstance(data, bytes) else f"{type(data)} where bytes are due"


def _revive(found: dict[str, Any]) -> Any:
    """Give the value that a tagged object stands for; called by json for every object, inner ones first."""
    if _TAG not in found:
        return found
    tag = found[_TAG]
    read = _READERS.get(tag) if isinstance(tag, str) else None
    if read is None:
        raise DecodeError(
            f"unknown tag {brief(tag)} in the stored JSON; a newer LocalQ wrote it, or something else did"
        )
    try:
        if not found.keys() <= _TAG_KEYS:
            raise ValueError(f"unknown key in {brief(list(found))}")
        return read(found)
    except _PASSING:
        raise
    except Exception as exc:  # constructors of registered classes are users' code
        raise DecodeError(f"cannot read the value tagged {tag!r}: {brief(exc)}") from exc


def _refuse_constant(name: str) -> NoReturn:
    raise DecodeError(f"{name} is not JSON; LocalQ writes it with a tag")


def _content(found: dict[str, Any], kind: type) -> Any:
    content = found["v"]
    if type(content) is not kind:
        raise TypeError(f"its content is {type(content)}, not {kind}")
    return content


def _read_datetime(found: dict[str, Any]) -> datetime:
    moment = datetime.fromisoformat(_content(found, str)).replace(fold=found.get("fold", 0))
    zone = _find_zone(found)
    if zone is None:
        return moment
    local = moment.replace(tzinfo=zone)
    # Where this host's zone rules differ from the writer's, the instant is what was meant.
    return local if local.utcoffset() == moment.utcoffset() else moment.astimezone(zone)


def _read_time(found: dict[str, Any]) -> time:
    moment = time.fromisoformat(_content(found, str)).replace(fold=found.get("fold", 0))
    if "zone" not in found:
        return moment
    zone = _find_zone(found)
    if zone is None:
        raise ValueError(f"there is no time zone {brief(found['zone'])} here; install tzdata")
    return moment.replace(tzinfo=zone)


def _find_zone(found: dict[str, Any]) -> ZoneInfo | None:
    """Look a zone up; None when there is none of that name, which leaves a datetime its offset."""
    key = found.get("zone")
    if not isinstance(key, str) or not _ZONE_KEY.fullmatch(key):
        return None
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):  # a directory or a foreign file of that name give the latter two
        return None


def _read_float(found: dict[str, Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[found["v"]]


def _read_class(found: dict[str, Any]) -> Any:
    cls = _CLASSES.get(found["t"])
    if cls is None:
        raise DecodeError(
            f"no class is registered as {brief(found['t'])} here; import the module that registers it "
            "(the same one in client and worker, or give it a name=)"
        )
    return cls


def _read_enum(found: dict[str, Any]) -> Any:
    cls = _read_class(found)
    if not issubclass(cls, enum.Enum):
        raise TypeError(f"{brief(cls)} is no enum")
    return cls(found["v"]) if issubclass(cls, enum.Flag) else cls[found["v"]]


def _read_dataclass(found: dict[str, Any]) -> Any:
    cls = _read_class(found)
    content = _content(found, dict)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if unknown := content.keys() - fields.keys():
        raise DecodeError(f"{brief(cls)} has no field {', '.join(map(repr, sorted(unknown)))} here")
    value = cls(**{name: item for name, item in content.items() if fields[name].init})
    for name, item in content.items():
        if not fields[name].init:
            object.__setattr__(value, name, item)
    return value


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "float": _read_float,
    "dict": lambda found: dict(_content(found, list)),
    "tuple": lambda found: tuple(_content(found, list)),
    "set": lambda found: set(_content(found, list)),
    "frozenset": lambda found: frozenset(_content(found, list)),
    "bytes": lambda found: binascii.a2b_base64(_content(found, str), strict_mode=True),
    "datetime": _read_datetime,
    "date": lambda found: date.fromisoformat(_content(found, str)),
    "time": _read_time,
    "timedelta": lambda found: timedelta(*_content(found, list)),
    "uuid": lambda found: UUID(hex=_content(found, str)),
    "decimal": lambda found: Decimal(_content(found, str)),
    "complex": lambda found: complex(*_content(found, list)),
    "enum": _read_enum,
    "data": _read_dataclass,
}

_UNTAGGED = json.JSONDecoder(parse_constant=_refuse_constant)
_TAGGED = json.JSONDecoder(parse_constant=_refuse_constant, object_hook=_revive)


# Pickle and dill


def _pickle(value: Any, serializer: str, where: str) -> bytes:
    pickler, options = _find_pickler(serializer)
    try:
        data: bytes = pickler.dumps(value, protocol=PICKLE_PROTOCOL, **options)
        return data
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:  # __reduce__ and __getstate__ are users' code
        raise EncodeError(f"{where}: {serializer} cannot write {brief(type(value))}: {brief(exc)}") from exc


def _unpickle(data: bytes, serializer: str) -> Any:
    pickler, _ = _find_pickler(serializer)
    try:
        return pickler.loads(data)
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:  # bad bytes give any exception at all, and so do users' __setstate__
        raise DecodeError(f"cannot read the stored {serializer} ({_size(data)}): {brief(exc)}") from exc


def _find_pickler(serializer: str) -> tuple[Any, dict[str, Any]]:
    if serializer == "pickle":
        return pickle, {}
    if serializer != "dill":
        _refuse(serializer, SERIALIZERS)
    try:
        import dill
    except ImportError:
        raise ImproperlyConfigured("serializer 'dill' needs the package dill: pip install dill") from None
    # recurse: take along the globals a function uses, not all of its module's.
    return dill, {"recurse": True}


def _refuse(serializer: str, accept: Collection[str]) -> NoReturn:
    if serializer not in SERIALIZERS:
        raise ImproperlyConfigured(f"unknown serializer {serializer!r}; there are {', '.join(SERIALIZERS)}")
    raise SecurityError(
        f"content in {serializer!r} is refused: this process accepts {', '.join(accept) or 'nothing'}; "
        f"add {serializer!r} to accept_content"
        + ("" if serializer == "json" else ", if you trust whoever can write the queue: reading it runs code")
    )
