"""The stream that tells a browser that something has changed (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from localq.web.site import Site

__all__ = ["stream"]


async def stream(site: Site, request: Request) -> Response:
    """Tell when the store has changed, at most twice a second; the page then asks for what it shows."""
    if site.follower.full:
        return PlainTextResponse("Too many pages are open; reload this one later.\n", 429, {"Retry-After": "30"})

    async def told() -> AsyncIterator[str]:
        yield "retry: 3000\n\n"
        async for version in site.follower.changes():
            yield ": nothing new\n\n" if version is None else f"id: {version}\nevent: changed\ndata: {version}\n\n"

    return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
