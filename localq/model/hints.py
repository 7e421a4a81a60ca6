"""The nearest known name, for messages about misspelt ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

__all__ = ["closest", "near_miss", "nearest", "suggesting"]

P = ParamSpec("P")
R = TypeVar("R")

#: How alike a name is to one that it was meant to be.
_MEANT = 0.8


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or an empty text."""
    found = closest(name, known, cutoff)
    return "" if found is None else f" Did you mean {found!r}?"


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a name so like it was surely meant to be, or None."""
    plain = {one.replace("_", "").lower(): one for one in known}
    found = closest(name.replace("_", "").lower(), plain, _MEANT)
    return None if found is None else plain[found]


def closest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Return the known name that is most like a name, or None."""
    import difflib  # most programs misspell nothing

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def suggesting(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function, or a class's `__init__`, name the parameter that a misspelt keyword was perhaps meant to be."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                called = function.__qualname__.removesuffix(".__init__")
                raise TypeError(f"{called}() got an unexpected keyword argument {name!r}.{nearest(name, known)}")
        return function(*args, **kwargs)

    return checked
