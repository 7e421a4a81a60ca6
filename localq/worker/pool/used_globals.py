"""What functions and classes use of the module that they stand in.

Where somebody types the program any of it may be another at the next call.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import CodeType, FunctionType, ModuleType
from typing import Any

from localq.tasks.task import Task

__all__ = ["at_prompt", "marks", "names_in", "same", "shell", "used_by_class", "used_globals"]

#: Nothing of these is changed in place, or what is changed there is told otherwise.
_UNCHANGING = (int, float, complex, str, bytes, type(None), type, FunctionType, ModuleType, Task)


def used_globals(function: FunctionType) -> dict[str, Any]:
    """Return what a function uses of its module by name, and what functions and classes of the same module use for it.

    Attributes of classes go by the class's name and theirs.
    """
    found: dict[str, Any] = {}
    _follow([function], function.__globals__, found)
    return found


def used_by_class(cls: type) -> dict[str, Any]:
    """Return the attributes of a class of the main program, and what its methods use."""
    names, found = vars(sys.modules["__main__"]), dict[str, Any]()
    _follow(list(_parts(cls, names, found)), names, found)
    return found


def _follow(rest: list[FunctionType], names: dict[str, Any], found: dict[str, Any]) -> None:
    while rest:
        for name in names_in(rest.pop().__code__):
            if name not in names or name in found:
                continue
            value = found[name] = names[name]
            inner = value.function if isinstance(value, Task) else value
            if isinstance(inner, FunctionType) and inner.__globals__ is names:
                rest.append(inner)
            elif isinstance(inner, type):
                rest += _parts(inner, names, found)


def _parts(cls: type, names: dict[str, Any], found: dict[str, Any]) -> Iterator[FunctionType]:
    """Add the attributes of a class, and of those it derives from, where they stand in the module; return methods."""
    for one in cls.__mro__:
        if one.__module__ != names.get("__name__"):
            continue
        for name, value in list(vars(one).items()):
            key = f"{one.__qualname__}.{name}"
            if key in found:
                continue
            found[key] = value
            if isinstance(value, type):
                yield from _parts(value, names, found)
            for part in _functions(value):
                if isinstance(part, FunctionType) and part.__globals__ is names:
                    yield part


def _functions(value: Any) -> tuple[Any, ...]:
    """Return what an attribute of a class calls; of other objects no attribute is asked for, which may do anything."""
    if isinstance(value, staticmethod | classmethod):
        return (value.__func__,)
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    return (value.func,) if isinstance(value, cached_property) else (value,)


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names that code, and functions within it, uses of its module and of objects."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)


def same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether each name stands for the very object that it stood for."""
    return before.keys() == now.keys() and all(now[name] is value for name, value in before.items())


def marks(used: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what tells whether a value was changed in place, of those that can be and that can be written down."""
    found = {}
    for name, value in used.items():
        if not issubclass(type(value), _UNCHANGING):
            with contextlib.suppress(Exception):
                found[name] = hashlib.blake2b(pickle.dumps(value)).digest()
    return found


def at_prompt() -> bool:
    """Whether somebody types the program: in a notebook, or behind `>>>`."""
    return hasattr(sys, "ps1") or shell() is not None


def shell() -> Any:
    """Return IPython's shell, if the program is typed into one."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
