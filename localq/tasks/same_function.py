"""Whether a function that comes under a name is the one that is known by it, defined again, or another.

A module that is reloaded and a notebook's cell that is run again define the same function anew: a new code object
under the same plain name. One `def` that is executed twice has the very same code object: with the same closures it
is the same function, with others another.
"""

from __future__ import annotations

import functools
import os
from types import CodeType, FunctionType
from typing import Any

__all__ = ["is_same", "place_of"]


def is_same(one: Any, other: Any) -> bool:
    """Whether two callables are one function, maybe defined again."""
    if one is other:
        return True
    if isinstance(one, functools.partial) and isinstance(other, functools.partial):
        given = _alike([*one.args, one.keywords], [*other.args, other.keywords])
        return given and is_same(one.func, other.func)
    if isinstance(one, type) and isinstance(other, type):
        return place_of(one) == place_of(other) and is_same(getattr(one, "run", one), getattr(other, "run", other))
    if not isinstance(one, FunctionType) or not isinstance(other, FunctionType):
        # Callable objects, bound methods, functions written in C.
        return type(one) is type(other) and place_of(one) == place_of(other) and _alike([one], [other])
    if one.__code__ is other.__code__:
        return _alike(_kept(one), _kept(other))
    if one.__code__ == other.__code__ and _source(one.__code__) == _source(other.__code__):
        # A script may be loaded as the main program and as a module.
        return True
    return place_of(one) == place_of(other) and "<" not in one.__qualname__


def place_of(function: Any) -> str:
    """Return where a callable stands: its module's name and its own."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', None)}.{named.__qualname__}"


def _kept(function: FunctionType) -> list[Any]:
    """Return what a function has of its own beside its code."""
    cells = [_content(cell) for cell in function.__closure__ or ()]
    return [*cells, function.__defaults__, function.__kwdefaults__]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None


def _alike(ones: list[Any], others: list[Any]) -> bool:
    return len(ones) == len(others) and all(map(_equal, ones, others))


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if callable(one) and callable(other):
        return is_same(one, other)
    try:
        return bool(one == other)
    except Exception:
        return False


def _source(code: CodeType) -> tuple[str, int]:
    return os.path.realpath(code.co_filename), code.co_firstlineno
