"""What a form that was made from a task's signature says: a call. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from localq.web.ask.task import Parameter
from localq.web.sentence import Unmeant

__all__ = ["FIELD", "FormCall", "read_call"]

#: What the names of fields for parameters begin with.
FIELD = "p."


class FormCall(NamedTuple):
    """A call: arguments in JSON, and options."""

    args: str
    kwargs: str
    options: dict[str, Any]


def read_call(get: Callable[[str], str], parameters: Sequence[Parameter], by_place: Sequence[str]) -> FormCall:
    """Return the call that a form asks for; a field that is empty is not given.

    Args:
        get: Returns a field's text, empty where there is none.
        by_place: Names of the parameters that can be given by place alone.

    Raises:
        QueryError: a field is not JSON, or a number is none.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for one in parameters:
        text = get(FIELD + one.name)
        if not text:
            continue
        value = _value(one, text)
        if one.kind == "many":
            if not isinstance(value, list):
                raise Unmeant("{what} must be a list, such as [2, 2].", what=one.name)
            # What comes after others by place needs these by place, too.
            args = [*args, *_moved(kwargs, parameters, one), *value]
        elif one.kind == "names":
            if not isinstance(value, dict):
                raise Unmeant("{what} must be an object of names.", what=one.name)
            kwargs |= value
        elif one.name in by_place:
            args.append(value)
        else:
            kwargs[one.name] = value
    return FormCall(json.dumps(args), json.dumps(kwargs), _options(get))


def _moved(kwargs: dict[str, Any], parameters: Sequence[Parameter], many: Parameter) -> list[Any]:
    """Take the parameters before `*args` out of those by name."""
    before = parameters[: list(parameters).index(many)]
    return [kwargs.pop(one.name) for one in before if one.name in kwargs]


def _value(one: Parameter, text: str) -> Any:
    if one.is_text and one.kind == "one" and not text.startswith('"'):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = {"what": one.name, "error": error.msg, "column": error.colno}
        if one.kind == "one":
            raise Unmeant(
                '{what} is not JSON: {error} (column {column}). Text stands in quotes: "ann".', **at
            ) from None
        raise Unmeant("{what} is not JSON: {error} (column {column}).", **at) from None
    except (RecursionError, ValueError) as error:
        raise Unmeant("{what} cannot be read: {error}.", what=one.name, error=str(error)) from None


def _options(get: Callable[[str], str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if get("queue"):
        options["queue"] = get("queue")
    for name, kind in (("countdown", float), ("priority", int)):
        if get(name):
            try:
                options[name] = kind(get(name))
            except ValueError:
                raise Unmeant("{field} must be a number.", field=f"{name}={get(name)[:40]!r}") from None
    return options
