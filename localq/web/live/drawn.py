"""A page that many browsers show is drawn once for each change, and sent to all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from localq.web.gate.sessions import Sessions
from localq.web.rendering import language_of

__all__ = ["Drawn"]

#: Seconds within which a page is taken as it was drawn, where nothing has changed.
_HELD_S = 0.5
#: Pages that are kept.
_MOST = 100


class _Kept(NamedTuple):
    """A page as drawn at a version of the store, with the token of forms that stands in it."""

    version: int
    at: float
    body: bytes
    form_token: bytes


class Drawn:
    """Pages that were just drawn, by who may see the same.

    Args:
        sessions: What ties forms to who got them: in a page that was drawn for another their token is put in.
        version: Returns how often the store is known to have changed.
    """

    def __init__(self, sessions: Sessions, version: Callable[[], int]) -> None:
        self._sessions, self._version = sessions, version
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._drawing: dict[tuple[str, ...], asyncio.Lock] = {}

    async def answer(self, request: Request, draw: Callable[[Request], Awaitable[Response]]) -> Response:
        """Return a page for a script that keeps one up to date; whoever else asks gets their own."""
        if request.method != "GET" or "x-live" not in request.headers:
            return await draw(request)
        actor = request.state.actor
        key = (
            str(request.scope.get("root_path", "")),
            request.url.path,
            request.url.query,
            language_of(request).code,
            actor.name,
            ",".join(sorted(actor.rights)),
            "with a session" if actor.session else "",
        )
        token = self._sessions.form_token(actor.session).encode() if actor.session else b""
        async with self._drawing.setdefault(key, asyncio.Lock()):
            kept, version = self._kept.get(key), self._version()
            if kept is None or kept.version != version or monotonic() - kept.at > _HELD_S:
                answer = await draw(request)
                if answer.status_code != 200 or not isinstance(answer, HTMLResponse):
                    return answer
                kept = _Kept(version, monotonic(), bytes(answer.body), token)
                self._keep(key, kept)
        body = kept.body.replace(kept.form_token, token) if token else kept.body
        return Response(body, media_type="text/html; charset=utf-8")

    def _keep(self, key: tuple[str, ...], kept: _Kept) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        if len(self._kept) > _MOST:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._drawing.pop(oldest, None)
