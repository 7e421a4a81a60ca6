"""Writing JSON: every value that has no word there becomes an object with a tag.

Values that need no tag take a way of their own: where `is_plain` says yes, `chunks` writes them as they are.
"""

from __future__ import annotations

import binascii
import dataclasses
import enum
import json
import json.encoder
import math
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

from localq.exceptions import EncodeError
from localq.serialization.tagged_json.held import hold, may_hold
from localq.serialization.tagged_json.path import Place, Step, deeper, fail, path
from localq.serialization.tagged_json.types import NAMES, PASSING, TAG, brief

__all__ = ["all_finite", "all_leaves", "all_strings", "chunks", "is_plain", "write_call", "write_value"]

#: Types whose values json writes faithfully, but for NaN and the infinities.
_LEAVES = frozenset({str, int, float, bool, type(None)})

#: Tells in one pass in C: `all_leaves(map(type, values))`.
all_leaves = _LEAVES.issuperset

#: Tells in one pass in C: `all_finite(map(type, values))`; there is no NaN or infinity among such leaves.
all_finite = (_LEAVES - {float}).issuperset

#: Tells in one pass in C: `all_strings(map(type, names))`.
all_strings = frozenset({str}).issuperset

#: From here on one pass in C tells sooner than a loop that all items are leaves.
_LONG = 32

#: Python allows no lower limit than 640 digits for int -> str, which is 2,123 bits.
_SHORT_INT_BITS = 2_000

#: Types whose subclasses json writes without asking them.
_NATIVE = (str, int, float, list, tuple, dict)

#: Steps to a value that stands where no index or key leads.
_KEY = Step("{key}")
_ITEM = Step("{item}")


def _make_chunks() -> Callable[[Any, int], Any]:
    """Build json's encoder once: json.dumps makes a new one for each call."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        whole = json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":")).encode
        return lambda value, _level: (whole(value),)
    parts: Callable[[Any, int], Any] = make(
        None, _unexpected, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
    )
    return parts


def _unexpected(value: Any) -> NoReturn:
    raise RuntimeError(f"{type(value)} appeared while the value was being written")


#: Gives the parts of the JSON of a value made of plain values only; the second argument, its indent, is 0.
chunks = _make_chunks()


def is_plain(value: Any, levels: int) -> bool:
    """Tell whether json itself writes `value` faithfully; it is at most `levels` containers deep then."""
    kind = type(value)
    if kind is list:
        items = value
    elif kind is dict:
        if TAG in value or not all_strings(map(type, value)):
            return False
        items = value.values()
    else:
        return kind in _LEAVES
    if not levels:
        return False
    if len(items) > _LONG and all_leaves(map(type, items)):
        return True
    for item in items:  # noqa: SIM110 - all() takes twice the time
        if type(item) not in _LEAVES and not is_plain(item, levels - 1):
            return False
    return True


def write_value(value: Any, where: str, max_depth: int) -> bytes:
    """Write any value, or tell what cannot be written and where it is.

    Args:
        where: What the value is, for the path in an error.
        max_depth: Containers inside containers that it may hold.

    Raises:
        EncodeError: JSON has no way to say the value, or something inside it.
    """
    return _write_all(where, lambda: _write(value, (None, where, max_depth, max_depth)))


def write_call(args: tuple[Any, ...], kwargs: dict[str, Any], max_depth: int) -> bytes:
    """Write a call's arguments as `[args, kwargs]`; as `write_value` does with each of them."""
    left = max_depth + 1  # the two containers they stand in are ours
    return _write_all(
        "the arguments",
        lambda: [
            _write_list(args, (None, "args", max_depth, left)),
            _write_dict(kwargs, (None, "kwargs", max_depth, left)),
        ],
    )


def _write_all(where: str, write: Callable[[], Any]) -> bytes:
    try:
        return "".join(chunks(write(), 0)).encode("ascii")
    except PASSING:
        raise
    except Exception as exc:  # methods of values are users' code: iterators, properties, time zones
        raise EncodeError(f"{where}: cannot be written as JSON: {brief(exc)}") from exc


def _write(value: Any, at: Place) -> Any:
    """Turn `value` into what json writes faithfully."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    write = _WRITERS.get(kind)
    if write is None:
        write = _find_writer(value, kind, at)
    return write(value, at)


def _find_writer(value: Any, kind: type, at: Place) -> Callable[[Any, Place], Any]:
    try:
        return _known_writer(value, kind, at)
    except EncodeError:
        if may_hold():
            return lambda wordless, _at: _tagged("held", hold(wordless))
        raise


def _known_writer(value: Any, kind: type, at: Place) -> Callable[[Any, Place], Any]:
    is_enum = isinstance(value, enum.Enum)
    if kind in NAMES:
        return _write_enum if is_enum else _write_dataclass
    if hasattr(kind, "__json__") and not issubclass(kind, _NATIVE):
        return _write_reduced
    if _is_lazy(value):
        return lambda lazy, _at: str(lazy)
    if is_enum or dataclasses.is_dataclass(kind):
        fail(
            at, kind, f"put @localq.serialization.codec.register above its {'class' if is_enum else '@dataclass'} line"
        )
    for base, write in _WRITERS.items():
        if issubclass(kind, base):
            if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
                fail(at, kind, "it has nanoseconds or is no time at all; pass a datetime or timedelta")
            return write
    fail(at, kind, _advice(value))


def _is_lazy(value: Any) -> bool:
    """Whether it is what Django works out when it is used, such as `gettext_lazy("...")`; kombu writes it as text."""
    functional = sys.modules.get("django.utils.functional")
    return functional is not None and isinstance(value, functional.Promise)


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


def _tagged(tag: str, content: Any) -> dict[str, Any]:
    return {TAG: tag, "v": content}


def _write_int(value: int, at: Place) -> int:
    value = int.__pos__(value)
    if value.bit_length() > _SHORT_INT_BITS:
        try:
            int.__repr__(value)
        except ValueError as exc:
            raise EncodeError(f"{path(at)}: the int is too long for JSON, pass hex(value); {exc}") from exc
    return value


def _write_float(value: float, _at: Place) -> Any:
    return float.__float__(value) if math.isfinite(value) else _tagged("float", float.__repr__(value))


def _write_list(value: Any, at: Place) -> list[Any]:
    left = deeper(at)
    return [
        item if type(item) in _ATOMS else _write(item, (at, index, value, left)) for index, item in enumerate(value)
    ]


def _write_dict(value: dict[Any, Any], at: Place) -> dict[str, Any]:
    left = deeper(at)
    pairs = [
        [
            key if type(key) is str else _write(key, (at, _KEY, value, left)),
            item if type(item) in _ATOMS else _write(item, (at, key, value, left)),
        ]
        for key, item in value.items()
    ]
    if all(type(pair[0]) is str and pair[0] != TAG for pair in pairs):
        return dict(pairs)
    return _tagged("dict", pairs)


def _write_set(value: Any, at: Place) -> dict[str, Any]:
    left = deeper(at)
    items = [_write(item, (at, _ITEM, value, left)) for item in value]
    # Sorted as text: sets iterate in another order in every process, and equal calls should be equal bytes.
    items.sort(key=lambda item: "".join(chunks(item, 0)))
    return _tagged("frozenset" if isinstance(value, frozenset) else "set", items)


def _write_datetime(value: datetime, at: Place) -> dict[str, Any]:
    return _tagged("datetime", datetime.isoformat(value)) | _zone(value, at)


def _write_time(value: time, at: Place) -> dict[str, Any]:
    return _tagged("time", time.isoformat(value)) | _zone(value, at)


def _zone(value: datetime | time, at: Place) -> dict[str, Any]:
    extra: dict[str, Any] = {"fold": 1} if value.fold else {}
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        extra["zone"] = zone.key
    elif zone is not None and value.utcoffset() is None:
        fail(at, type(zone), "this time zone has no fixed offset and no ZoneInfo key; use zoneinfo.ZoneInfo")
    return extra


def _write_timedelta(value: timedelta, _at: Place) -> dict[str, Any]:
    return _tagged("timedelta", [value.days, value.seconds, value.microseconds])


def _write_complex(value: complex, at: Place) -> dict[str, Any]:
    return _tagged("complex", [_write_float(value.real, at), _write_float(value.imag, at)])


def _write_enum(value: Any, at: Place) -> dict[str, Any]:
    kind = type(value)
    if isinstance(value, enum.Flag):
        return _tagged("enum", value.value) | {"t": NAMES[kind]}
    if kind.__members__.get(value.name) is not value:
        fail(at, kind, f"{brief(value)} is no member of it")
    return _tagged("enum", value.name) | {"t": NAMES[kind]}


def _write_reduced(value: Any, at: Place) -> Any:
    """Write what a value says JSON should have of it: a convention that kombu keeps."""
    if at[1] is _KEY or at[1] is _ITEM:
        # It may be a list or a dict, which no set can hold when it is read.
        fail(at, type(value), "pass what stands for it")
    return _write(value.__json__(), (at, Step(".__json__()"), value, deeper(at)))


def _write_dataclass(value: Any, at: Place) -> dict[str, Any]:
    left = deeper(at)
    content = {
        field.name: _write(getattr(value, field.name), (at, Step(f".{field.name}"), value, left))
        for field in dataclasses.fields(value)
    }
    return _tagged("data", content) | {"t": NAMES[type(value)]}


#: Returned as they are; ints and floats are looked at, the others cannot fail.
_ATOMS = frozenset({str, bool, type(None)})

#: By exact type first, then by subclass in this order: datetime is a date.
_WRITERS: dict[type, Callable[[Any, Place], Any]] = {
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
