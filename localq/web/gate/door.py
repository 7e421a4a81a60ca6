"""What stands in front of every route: hosts, rights, sizes of bodies, and the headers on every answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localq.web.gate.access import Access, Asked, Refused
from localq.web.gate.actor import Actor, Right
from localq.web.gate.policy import HEADERS, NO_STORE

__all__ = ["BODY_BYTES", "Door", "Keeper", "Who", "guarded"]

#: Bytes of a body that are read at most.
BODY_BYTES = 2 << 20
#: Fields of an address and their bytes, at most: each is a condition of a question to the store.
_QUERY_FIELDS, _QUERY_BYTES = 500, 16 << 10
_log = logging.getLogger("localq.web")

Handler = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request, Refused], Response]
Who = Callable[[Request], Actor | None]


class Keeper(NamedTuple):
    """Who stands at the door: what lets people in, what says no, and who they are where another application knows."""

    access: Access
    refuse: Refusal
    who: Who | None = None


class Door:
    """Puts the same headers on every answer, and keeps errors from telling what they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", NO_STORE)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            number = secrets.token_hex(4)
            _log.exception("error %s at %s", number, scope["path"])
            if begun:
                raise
            answer = PlainTextResponse(f"Something went wrong (error {number}; the log tells more).\n", 500)
            await answer(scope, receive, send_with_headers)


def guarded(handler: Handler, right: Right, door: Keeper, now: Callable[[], float]) -> Handler:
    """Return a handler that is called only for who has a right; who asks is in `request.state.actor`."""
    access, refuse, who = door

    async def at_the_door(request: Request) -> Response:
        asked = Asked(request.method, request.headers, _pair(request.client), request.scope.get("server"), now())
        # In a thread: the application around this one may look into its database for that.
        actor = access.who(asked) if who is None else access.known(await to_thread.run_sync(who, request))
        refused = access.admit(asked, actor, right)
        if refused is None:
            refused = _too_much(request.headers, request.scope.get("query_string", b""))
        if refused is not None:
            return refuse(request, refused)
        request.state.actor = actor
        return await handler(request)

    return at_the_door


def _pair(address: object) -> tuple[str, int] | None:
    return (address.host, address.port) if hasattr(address, "host") and hasattr(address, "port") else None


def _too_much(headers: Headers, query: bytes) -> Refused | None:
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES:
        return Refused(413, "The body is longer than {most} bytes.", values={"most": BODY_BYTES})
    if len(query) > _QUERY_BYTES or query.count(b"&") + query.count(b";") >= _QUERY_FIELDS:
        return Refused(
            400,
            "The address has more than {fields} fields or {most} bytes.",
            values={"fields": _QUERY_FIELDS, "most": _QUERY_BYTES},
        )
    return None
