"""An exception that was raised in another process, made anew from its Failure, to raise here.

A class named by a failure is looked up among the modules that are imported already; it is never imported, and
only classes that are exceptions and call themselves by that very name are taken (CVE-2021-23727: a lookup
without limits).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any

from localq.serialization import codec
from localq.serialization.exception_parts import arguments, attributes, guarded, set_arguments
from localq.serialization.failure import NOT_STATE, Failure, RemoteTraceback, clean

__all__ = ["RemoteError", "rebuild"]

#: What a class may raise while its exception is rebuilt. This is done in the user's program, where Ctrl-C stays Ctrl-C.
_ERRORS = (Exception, SystemExit, GeneratorExit)
_GROUP_PARTS: Any = vars(BaseExceptionGroup)["exceptions"]


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


def rebuild(failure: Failure) -> BaseException:
    """Make an exception to raise here for one that was raised elsewhere; raises nothing itself.

    It is of the original class if an imported module defines that as an Exception. Otherwise it is a
    `RemoteError` of the same name, as also for SystemExit and others that would end the caller. Its
    `remote_traceback` holds the traceback's text, and its cause prints it.
    """
    args: list[Any] | None = _read(failure.args)
    state: dict[str, Any] = _read(failure.state) or {}
    cls = guarded(lambda: _find_class(failure.module, failure.type), None, _ERRORS)
    ways: tuple[_Make, ...] = (_construct, _make_bare, _make_named)
    if failure.parts:
        cls = ExceptionGroup if cls is None else cls
        ways = (_construct_group, _make_named_group, *ways)
    if cls is not None:
        for make in ways:
            exc = _try(make, cls, failure, args, state)
            if exc is not None:
                return exc
    return _complete(_make_named(RemoteError, failure, args), failure, state)


def _read(content: Any) -> Any:
    """Return a value of the codec's JSON form; None if it cannot be read."""
    if content is None:
        return None
    return guarded(lambda: codec.decode(json.dumps(content).encode()), None, _ERRORS)


# The class


def _find_class(module_name: str, qualname: str) -> type[Exception] | None:
    """Look an Exception class up, step by step through classes; run no import and no `__getattr__`."""
    module = sys.modules.get(module_name)
    if not issubclass(type(module), ModuleType):
        return None
    names: Any = attributes(module)  # not vars(): a lazy module would load itself
    found: Any = None
    for part in qualname.split("."):
        found = names.get(part)
        if not isinstance(found, type):
            return None
        names = vars(found)
    # Not an alias either: `os.error` is no name that an exception ever gave itself.
    known = issubclass(found, Exception) and (found.__module__, found.__qualname__) == (module_name, qualname)
    return found if known else None


@lru_cache(maxsize=512)
def _named_class(module: str, qualname: str, cls: Any) -> type[RemoteError]:
    """Return a RemoteError by the original's name, which is also a `cls` so that `except` finds it."""
    qualname = clean(qualname[:500])
    name = qualname.rpartition(".")[2] or "RemoteError"
    bases = (RemoteError,) if cls is RemoteError else (RemoteError, cls)
    return type(name, bases, {"__module__": clean(module[:500]), "__qualname__": qualname or name})


# The exception

_Make = Callable[[type[Exception], Failure, list[Any] | None], Exception]


def _try(
    make: _Make, cls: type[Exception], failure: Failure, args: list[Any] | None, state: dict[str, Any]
) -> Exception | None:
    """Make an exception in one of the ways below; None where the class does not let itself be made so."""
    try:
        exc = _complete(make(cls, failure, args), failure, state)
        # str() may raise: an attribute that it needs was lost on the way.
        return None if failure.message and not str(exc) else exc
    except _ERRORS:
        return None


def _construct(cls: type[Exception], failure: Failure, args: list[Any] | None) -> Exception:
    """Call the class with the arguments, unless its constructor keeps others than it is given."""
    if args is None:
        raise ValueError("the arguments are not known")
    exc = cls(*args)
    if type(exc) is not cls or arguments(exc) != tuple(args):
        raise ValueError("the constructor takes other arguments than it keeps")
    return exc


def _make_bare(cls: type[Exception], failure: Failure, args: list[Any] | None) -> Exception:
    """Make an instance without `__init__`, as for constructors with arguments of their own."""
    exc = cls.__new__(cls)
    set_arguments(exc, (failure.message,) if args is None else tuple(args))
    return exc


def _construct_group(cls: Any, failure: Failure, args: list[Any] | None) -> Exception:
    """Make a group of the class, its parts rebuilt by the same rules."""
    if (cls.__module__, cls.__qualname__) != (failure.module, failure.type):
        raise ValueError("it is another class that stands for one not known here")
    return _grouped(cls, failure, args)


def _make_named_group(cls: Any, failure: Failure, args: list[Any] | None) -> Exception:
    """Make a group of a class by the original's name, so that `except*` finds its parts."""
    exc = _grouped(_named_class(failure.module, failure.type, cls), failure, args)
    attributes(exc)["remote_failure"] = failure
    return exc


def _grouped(cls: Any, failure: Failure, args: list[Any] | None) -> Exception:
    message = args[0] if args else failure.message
    parts: Any = [rebuild(part) for part in failure.parts]
    made: Exception = ExceptionGroup.__new__(cls, message, parts)
    set_arguments(made, (message, list(_GROUP_PARTS.__get__(made))))
    return made


def _make_named(cls: Any, failure: Failure, args: list[Any] | None) -> Exception:
    """Make an instance of a class by the original's name, which knows its failure and says its message."""
    exc = _make_bare(_named_class(failure.module, failure.type, cls), failure, args)
    attributes(exc)["remote_failure"] = failure
    return exc


def _complete(exc: Exception, failure: Failure, state: dict[str, Any]) -> Exception:
    """Add what every rebuilt exception has, past any `__setattr__` of its class."""
    own = attributes(exc)
    own.update({name: value for name, value in state.items() if name not in NOT_STATE})
    own["remote_traceback"] = failure.traceback
    if failure.notes:
        own["__notes__"] = list(failure.notes)
    if failure.traceback:
        object.__setattr__(exc, "__cause__", RemoteTraceback(failure.traceback))
    return exc
