"""What a call of Flower's API asks for: its parameters, read from the query and from a form alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from localq.exceptions import LocalQError, QueryError, StoreError
from localq.model.clock import from_datetime
from localq.web.act.change import Denied
from localq.web.forms import BadRequest, read_body
from localq.web.site import Handler, Site

__all__ = ["Parameters", "as_json", "json_of", "message", "parameters", "time_of", "told"]

_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})
_FIELDS = 200


class Parameters:
    """The parameters of a call, by name; of several values of one the last counts.

    Raises:
        BadRequest: from each method, in Flower's words, where a value cannot be meant.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def text(self, name: str) -> str | None:
        """Return a text, None where it is not given."""
        return self._fields.get(name)

    def needed(self, name: str) -> str:
        """Return a text that must be given."""
        if name not in self._fields:
            raise BadRequest(f"Missing argument {name}")
        return self._fields[name]

    def whole(self, name: str, usual: int | None = None) -> int | None:
        """Return a whole number."""
        return usual if name not in self._fields else int(self._number(name, "int", int))

    def seconds(self, name: str) -> float | None:
        """Return a number."""
        return None if name not in self._fields else self._number(name, "float", float)

    def _number(self, name: str, kind: str, read: Callable[[str], float]) -> float:
        given = self._fields[name]
        try:
            number = read(given[:40])
        except ValueError:
            number = float("nan")
        if not abs(number) < 2**53:
            raise BadRequest(f"Invalid argument '{given[:100]}' of type '{kind}'")
        return number

    def flag(self, name: str) -> bool:
        """Return whether something is asked for; False where it is not given."""
        given = self._fields.get(name, "0")
        if given.lower() not in _TRUE | _FALSE:
            raise BadRequest(f"Invalid argument '{given[:100]}' of type 'bool'")
        return given.lower() in _TRUE


async def parameters(request: Request) -> Parameters:
    """Return the parameters of a call; those of the query go over those of a form.

    Raises:
        BadRequest: the form is too long, or cannot be read.
    """
    fields: dict[str, str] = {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request) if request.method == "POST" else b""
    if kind == "application/x-www-form-urlencoded":
        try:
            fields.update(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
        except ValueError:
            raise BadRequest("The form cannot be read.") from None
    fields.update(request.query_params)
    return Parameters(fields)


async def json_of(request: Request) -> dict[str, Any]:
    """Return the object that a call sends; an empty one where it sends nothing.

    Raises:
        BadRequest: it is no JSON, or no object.
    """
    body = await read_body(request)
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(str(error)) from None
    if not isinstance(found, dict):
        raise BadRequest("invalid options")
    return found


def time_of(text: str, zone_of: Callable[[datetime], datetime]) -> int:
    """Return a time: Flower's "YYYY-MM-DD HH:MM", with seconds or not, or ISO 8601; one without a zone is local.

    Raises:
        ValueError: it is neither.
    """
    if len(text) < 16 or len(text) > 40:
        raise ValueError(text)
    found = datetime.fromisoformat(text.replace(" ", "T", 1))
    return from_datetime(found if found.tzinfo is not None else zone_of(found))


def told(handler: Handler) -> Handler:
    """Return a handler whose refusals are plain text, as Flower's are."""

    async def answer(site: Site, request: Request) -> Response:
        try:
            return await handler(site, request)
        except BadRequest as error:
            return PlainTextResponse(str(error), error.status)
        except Denied as error:
            return PlainTextResponse(str(error), 403)
        except QueryError as error:
            return PlainTextResponse(str(error), 400)
        except StoreError as error:
            return PlainTextResponse(str(error), 503)
        except LocalQError as error:
            return PlainTextResponse(str(error), 400)

    return answer


def as_json(told: Any) -> Response:
    """Return an answer of what came from jobs: a thousand of them in a tenth of the time of Python's own JSON.

    That has no number for infinity either, and writes null; text that UTF-8 cannot say is escaped.
    """
    try:
        return Response(msgspec.json.encode(told), media_type="application/json")
    except UnicodeEncodeError:
        return Response(json.dumps(told), media_type="application/json")


def message(text: str) -> JSONResponse:
    """Return what a change that was made says."""
    return JSONResponse({"message": text})
