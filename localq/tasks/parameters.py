"""What a function takes: whether a call fits it, which of two is meant for it, and what a changed call keeps."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

__all__ = ["changed_call", "checker", "named_and_placed", "takes_failure"]


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


def named_and_placed(function: Callable[..., Any], which: Sequence[str | int]) -> list[str]:
    """Return arguments given by name or place by both, places as digits: a call may give each in either way.

    What a function takes as its `*args` has all places from there on up to the 20th.
    """
    parameters = [one for one in _parameters(function) or () if one.kind != inspect.Parameter.KEYWORD_ONLY]
    found = {str(one) for one in which}
    for place, one in enumerate(parameters):
        if one.name in found or str(place) in found:
            last = 20 if one.kind == inspect.Parameter.VAR_POSITIONAL else place + 1
            found |= {one.name, *map(str, range(place, last))}
    return sorted(found)


def takes_failure(function: Callable[..., Any], stored: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """Return whether an error callback takes `(request, exc, traceback)` in front of its own arguments, not an id.

    A function does which takes more than one argument beside those stored; one that gets its task as the first
    argument does not. Where the one call does not fit and the other does, that is meant.
    """
    try:
        whole = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    bound = inspect.ismethod(function)
    wanted = not bound and _taken(function, whole, stored, named) > 1
    for chosen in (wanted, not wanted):
        try:
            whole.bind(*(None,) * (3 if chosen else 1), *stored, **named)
        except TypeError:
            continue
        return chosen
    return wanted


def _taken(function: Callable[..., Any], whole: inspect.Signature, stored: Sequence[Any], named: Any) -> float:
    """Return how many positional arguments a function takes beside those that are there."""
    with contextlib.suppress(TypeError, ValueError):
        whole = inspect.signature(partial(function, *stored, **named))
    kinds = [one.kind for one in whole.parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return float("inf")
    return sum(kind in _POSITIONAL for kind in kinds)


def changed_call(
    function: Callable[..., Any],
    before: tuple[Sequence[Any], Mapping[str, Any]],
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a function is called with again: pure (celery/app/task.py of 5.7, `retry`).

    Args:
        function: What is called.
        before: The positional and keyword arguments it had.
        args, kwargs: What takes their place. Where one of them is None, those of before stay, but for the parameters
            that the other gives.
    """
    old, named = before
    if args is None and kwargs is None:
        return tuple(old), dict(named)
    if args is None:
        return _with_names(function, tuple(old), dict(kwargs or {}))
    if kwargs is not None:
        return tuple(args), dict(kwargs)
    given = [one for one in _parameters(function) or () if one.kind in _POSITIONAL][: len(args)]
    taken = {one.name for one in given if one.kind == inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return tuple(args), {name: value for name, value in named.items() if name not in taken}


def _with_names(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call in which keyword arguments take the place of the positional ones of the same parameter."""
    known = {one.name: one for one in _parameters(function) or ()}
    try:
        bound = inspect.Signature(list(known.values())).bind_partial(*args)
    except TypeError:
        return args, kwargs
    for name in list(kwargs):
        if name in bound.arguments and known[name].kind == inspect.Parameter.POSITIONAL_OR_KEYWORD:
            bound.arguments[name] = kwargs.pop(name)
    return (bound.args, {**bound.kwargs, **kwargs}) if known else (args, kwargs)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
