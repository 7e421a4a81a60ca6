"""Reading JSON: every object with a tag becomes the value it stands for, from a closed list of tags."""

from __future__ import annotations

import binascii
import contextlib
import dataclasses
import enum
import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

from localq.exceptions import DecodeError
from localq.serialization.tagged_json.held import held
from localq.serialization.tagged_json.large import large_bytes, read_large
from localq.serialization.tagged_json.types import CLASSES, PASSING, TAG, brief

__all__ = ["read_value", "size"]

#: What a tz database key looks like; anything else never reaches ZoneInfo, which opens files by it.
_ZONE_KEY = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_TAG_KEYS = frozenset({TAG, "v", "t", "fold", "zone"})


def read_value(data: bytes) -> Any:
    """Read what the writer wrote.

    Raises:
        DecodeError: The bytes are damaged, or speak of a tag or class that is not known here.
    """
    try:
        tagged = _may_have_tags(data)
        if not tagged and large_bytes(data):
            with contextlib.suppress(ValueError, RecursionError):
                return read_large(data)
        text = data.decode()
        # Most bytes hold no tag, and json is faster without a hook.
        decoder = _TAGGED if tagged else _UNTAGGED
        try:
            # Without the room for blanks around it that `decode` looks for.
            value, end = decoder.scan_once(text, 0)
        except StopIteration:
            end = -1
        return value if end == len(text) else decoder.decode(text)
    except DecodeError:
        raise
    except (ValueError, TypeError, RecursionError, AttributeError) as exc:
        raise DecodeError(f"cannot read the stored JSON ({size(data)}): {exc}") from exc


def _may_have_tags(data: bytes) -> bool:
    # b"$" first because it is one memchr.
    return b"$" in data and b'"$lq"' in data


def size(data: Any) -> str:
    """Tell an error's reader how much there was to read; the content itself may be secret."""
    return f"{len(data)} bytes" if isinstance(data, bytes) else f"{type(data)} where bytes are due"


def _revive(found: dict[str, Any]) -> Any:
    """Give the value that a tagged object stands for; called by json for every object, inner ones first."""
    if TAG not in found:
        return found
    tag = found[TAG]
    read = _READERS.get(tag) if isinstance(tag, str) else None
    if read is None:
        raise DecodeError(
            f"unknown tag {brief(tag)} in the stored JSON; a newer LocalQ wrote it, or something else did"
        )
    try:
        if not found.keys() <= _TAG_KEYS:
            raise ValueError(f"unknown key in {brief(list(found))}")
        return read(found)
    except PASSING:
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
    cls = CLASSES.get(found["t"])
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
    "held": lambda found: held(found["v"]),
}

_UNTAGGED: Any = json.JSONDecoder(parse_constant=_refuse_constant)
_TAGGED: Any = json.JSONDecoder(parse_constant=_refuse_constant, object_hook=_revive)
