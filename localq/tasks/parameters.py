"""What a function takes: whether a call fits it, and how many arguments it cannot do without."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["checker", "required"]


def checker(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an empty function of the same signature: calling it is the cheapest check of arguments there is.

    None where Python cannot tell the signature (some built-in functions).
    """
    parameters = _parameters(function)
    if parameters is None:
        return None
    plain = [
        one.replace(annotation=one.empty, default=one.empty if one.default is one.empty else None) for one in parameters
    ]
    name = getattr(function, "__name__", "task")
    name = name if name.isidentifier() else "task"
    scope: dict[str, Any] = {}
    exec(f"def {name}{inspect.Signature(plain)}: pass", scope)
    made: Callable[..., Any] = scope[name]
    return made


def required(function: Callable[..., Any]) -> int:
    """Return how many positional arguments a function must get; 0 where Python cannot tell."""
    return sum(
        one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.default is one.empty
        for one in _parameters(function) or ()
    )


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
