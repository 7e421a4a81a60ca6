"""A call as a line of a program that makes it again. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import Any

__all__ = ["call_code"]

#: What marks values that JSON has no word for; see `localq.serialization.codec`.
_TAG = '"$lq"'


def call_code(task: str, place: tuple[str, str] | None, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the code of a call; None where an argument has no words in both JSON and Python.

    Args:
        place: The module that the task's function can be imported from, and the function's name; None: by its name.
        args, kwargs: As they stand in JSON.
    """
    if _TAG in json.dumps([args, kwargs]):
        return None
    module, function = place or ("", "")
    if module and function.isidentifier():
        given = [repr(one) for one in args]
        named = {name: one for name, one in kwargs.items() if name.isidentifier() and not iskeyword(name)}
        given += [f"{name}={one!r}" for name, one in named.items()]
        rest = {name: one for name, one in kwargs.items() if name not in named}
        given += [f"**{rest!r}"] if rest else []
        return f"from {module} import {function}\n\n{function}.delay({', '.join(given)})"
    said = [repr(task)]
    if args or kwargs:
        said.append(repr(list(args)))
    if kwargs:
        said.append(repr(dict(kwargs)))
    return f"app.send_task({', '.join(said)})"
