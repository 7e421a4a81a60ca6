"""What the writer and the reader of tagged JSON share: the tag, the registered classes, a word on a value.

No class is imported by its name: `register_class` put it here before, or it is not known.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from localq.exceptions import DecodeError, EncodeError, ImproperlyConfigured, SoftTimeLimitExceeded

__all__ = ["CLASSES", "NAMES", "PASSING", "TAG", "brief", "register_class"]

#: The key that makes an object stand for a value JSON has no word for.
TAG = "$lq"

#: The registered classes by the name they have in the bytes.
CLASSES: dict[str, type] = {}

#: The names of the registered classes.
NAMES: dict[type, str] = {}

#: Never dressed as another error: ours say it all, and a soft limit may strike while a value is written.
PASSING = (EncodeError, DecodeError, SoftTimeLimitExceeded)

C = TypeVar("C", bound=type)


@overload
def register_class(cls: C, *, name: str | None = None) -> C: ...
@overload
def register_class(cls: None = None, *, name: str | None = None) -> Callable[[C], C]: ...
def register_class(cls: Any = None, *, name: str | None = None) -> Any:
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
        return lambda later: register_class(later, name=name)
    if not isinstance(cls, type) or not (issubclass(cls, enum.Enum) or dataclasses.is_dataclass(cls)):
        raise ImproperlyConfigured(
            f"cannot register {brief(cls)}: it is no enum or dataclass; write @register above @dataclass"
        )
    if not issubclass(cls, enum.Enum):
        _check_constructor(cls)
    key = name or f"{cls.__module__}.{cls.__qualname__}"
    holder = CLASSES.setdefault(key, cls)
    # The same place in the source again is a reloaded module or a notebook cell that ran twice.
    if (holder.__module__, holder.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ImproperlyConfigured(f"{key!r} means {brief(holder)} already; give {brief(cls)} another name=")
    CLASSES[key] = cls
    NAMES[cls] = key
    return cls


def brief(value: object, width: int = 120) -> str:
    """Show a value in an error's text, whatever its repr does."""
    try:
        text = repr(value)
    except Exception:  # a user's __repr__; the error being told matters more
        text = f"<{type(value).__name__}>"
    return text if len(text) <= width else text[: width - 3] + "..."


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
