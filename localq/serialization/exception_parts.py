"""What an exception is made of, reached past its class: a user's class may define anything, and raise anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["arguments", "attributes", "guarded", "set_arguments", "traceback_of"]

T = TypeVar("T")

#: BaseException's own descriptors: a class may define properties of these names that raise.
_ARGS: Any = vars(BaseException)["args"]
_TRACEBACK: Any = vars(BaseException)["__traceback__"]


def guarded(read: Callable[[], T], fallback: T, errors: tuple[type[BaseException], ...] = (BaseException,)) -> T:
    """Run code that touches users' classes; return the fallback where it raises."""
    try:
        return read()
    except errors:
        return fallback


def arguments(exc: BaseException) -> tuple[Any, ...]:
    """Return the arguments that make such an exception; OSError keeps the file names elsewhere."""
    args: tuple[Any, ...] = _ARGS.__get__(exc)
    if isinstance(exc, OSError) and len(args) == 2 and exc.filename is not None:
        args += (_file_name(exc.filename),)
        if exc.filename2 is not None:
            args += (None, _file_name(exc.filename2))
    return args


def _file_name(name: Any) -> Any:
    return os.fspath(name) if isinstance(name, os.PathLike) else name


def set_arguments(exc: BaseException, args: tuple[Any, ...]) -> None:
    """Give an exception its arguments, without a word from its `__init__`."""
    _ARGS.__set__(exc, args)


def attributes(thing: object) -> dict[str, Any]:
    """Return the dictionary of an exception, or of a module, itself: no `__getattr__` of its class is asked."""
    found: dict[str, Any] = object.__getattribute__(thing, "__dict__")
    return found


def traceback_of(exc: BaseException) -> TracebackType | None:
    """Return where an exception was raised."""
    found: TracebackType | None = _TRACEBACK.__get__(exc)
    return found
