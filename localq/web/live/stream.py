"""The stream that tells a browser that something has changed (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from localq.web.site import Site

__all__ = ["stream"]


async def stream(site: Site, request: Request) -> Response:
    """Tell when the store has changed, at most twice a second; the page then asks for what it shows."""
    if site.follower.full:
        return PlainTextResponse("Too many pages are open; reload this one later.\n", 429, {"Retry-After": "30"})
    session = request.state.actor.session
    told = _for_a_tab(site, session) if session else _told(site)
    return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _told(site: Site) -> AsyncGenerator[str, None]:
    yield "retry: 3000\n\n"
    async for version in site.follower.changes():
        yield ": nothing new\n\n" if version is None else f"id: {version}\nevent: changed\ndata: {version}\n\n"


async def _for_a_tab(site: Site, session: str) -> AsyncIterator[str]:
    """Tell a browser's tab, until newer ones of the same browser need the connection; then it asks now and then."""
    with site.tabs.one_more(session) as enough:
        until = asyncio.ensure_future(enough.wait())
        async with aclosing(_told(site)) as lines:
            try:
                while not enough.is_set():
                    line = asyncio.ensure_future(anext(lines))
                    try:
                        await asyncio.wait({line, until}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        if not line.done():
                            line.cancel()
                            await asyncio.gather(line, return_exceptions=True)
                    if not line.cancelled():
                        yield line.result()
                yield "event: enough\ndata:\n\n"
            except StopAsyncIteration:
                return
            finally:
                until.cancel()
