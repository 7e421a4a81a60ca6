"""One endpoint: what it takes and gives, and how it is answered."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from localq.exceptions import LocalQError, QueryError, StoreError
from localq.web.act.calls import BadCall
from localq.web.act.change import Denied
from localq.web.act.workers import NotDone
from localq.web.api import schemas
from localq.web.api.problems import problem
from localq.web.forms import BadRequest, read_body
from localq.web.gate.actor import Right
from localq.web.site import Handler, Site

__all__ = ["Endpoint", "answering", "query_of"]

Answer = Callable[[Site, Request, Any], Awaitable[Any]]


class Endpoint(NamedTuple):
    """A method on a path below /api/v1.

    `given` is the struct of the body of a change, or of the query of a question; `gives` that of the answer.
    """

    method: str
    path: str
    answer: Answer
    gives: type[msgspec.Struct]
    given: type[msgspec.Struct] = schemas.Nothing

    @property
    def right(self) -> Right:
        """Who may ask."""
        return Right.READ if self.method == "GET" else Right.ACT

    @property
    def needs_body(self) -> bool:
        """Whether there is something that must be said."""
        return self.method != "GET" and any(field.required for field in msgspec.structs.fields(self.given))

    @property
    def says(self) -> str:
        """What it does, in a sentence."""
        return (inspect.getdoc(self.answer) or "").partition("\n")[0]


def answering(endpoint: Endpoint) -> Handler:
    """Return the handler of an endpoint; what goes wrong is answered as a problem."""

    async def answer(site: Site, request: Request) -> Response:
        try:
            given = await _given(endpoint, request)
            return _json(await endpoint.answer(site, request, given))
        except BadRequest as error:
            return problem(error.status, str(error))
        except Denied as error:
            return problem(403, str(error))
        except NotDone as error:
            return problem(409, str(error))
        except StoreError as error:
            return problem(503, str(error))
        except (BadCall, QueryError, LocalQError, msgspec.ValidationError) as error:
            return problem(400, str(error))

    return answer


async def _given(endpoint: Endpoint, request: Request) -> Any:
    if endpoint.method == "GET":
        return query_of(endpoint.given, request)
    body = await read_body(request)
    if endpoint.given is schemas.Nothing:
        return schemas.Nothing()
    try:
        return msgspec.json.decode(body if body or endpoint.needs_body else b"{}", type=endpoint.given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not as it must be: {error}") from None


def query_of(kind: type[msgspec.Struct], request: Request) -> Any:
    """Return a query as a struct.

    Raises:
        BadRequest: it has another parameter, or a value that cannot be.
    """
    many = {field.encode_name for field in msgspec.structs.fields(kind) if field.type == list[str]}
    query = request.query_params
    said = {name: query.getlist(name) if name in many else query[name] for name in query}
    texts = many | {field.encode_name for field in msgspec.structs.fields(kind) if "str" in str(field.type)}
    try:
        # Read without strictness "null" would be no value, where a number must be.
        if any(value == "null" for name, value in said.items() if name not in texts):
            raise msgspec.ValidationError("null is no value")
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The query is not as it must be: {error}") from None


def _json(found: Any) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")
