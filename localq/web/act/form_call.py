"""What a form that was made from a task's signature says: a call. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from localq.exceptions import QueryError
from localq.web.ask.task import Parameter

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
            _refuse_unless(isinstance(value, list), one.name, "a JSON list")
            # What comes after others by place needs these by place, too.
            args = [*args, *_moved(kwargs, parameters, one), *value]
        elif one.kind == "names":
            _refuse_unless(isinstance(value, dict), one.name, "a JSON object")
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
        hint = ' Text stands in quotes: "ann".' if one.kind == "one" else ""
        raise QueryError(f"{one.name} is not JSON: {error.msg} (column {error.colno}).{hint}") from None
    except (RecursionError, ValueError) as error:
        raise QueryError(f"{one.name} cannot be read: {error}.") from None


def _refuse_unless(fits: bool, name: str, what: str) -> None:
    if not fits:
        raise QueryError(f"{name} must be {what}.")


def _options(get: Callable[[str], str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if get("queue"):
        options["queue"] = get("queue")
    for name, kind in (("countdown", float), ("priority", int)):
        if get(name):
            try:
                options[name] = kind(get(name))
            except ValueError:
                raise QueryError(f"{name}={get(name)[:40]!r} must be a number.") from None
    return options
