"""The list of what people changed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from localq.web.ask.audit import book
from localq.web.ask.listing import whole_number
from localq.web.site import Site

__all__ = ["audit"]


async def audit(site: Site, request: Request) -> Response:
    """Show who changed what."""
    before = whole_number("before", request.query_params.get("before", ""))
    return site.render.page(request, "audit.html", {"book": await site.desk.ask(lambda store: book(store, before))})
