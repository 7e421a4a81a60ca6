"""The API's paths, and who may go there."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from localq.web.api.endpoint import answering
from localq.web.api.endpoints import ENDPOINTS
from localq.web.api.openapi import document
from localq.web.gate.actor import Right
from localq.web.site import Site, Way, root_of

__all__ = ["API_WAYS"]


async def openapi(site: Site, request: Request) -> Response:
    """Describe the API; below a prefix, with that."""
    told = {**document(), "servers": [{"url": root_of(request) or "/"}]}
    return Response(msgspec.json.encode(told), media_type="application/json")


API_WAYS = (
    Way("/api/v1/openapi.json", Right.READ, openapi),
    *(Way(f"/api/v1{one.path.replace('}', ':path}')}", one.right, answering(one), (one.method,)) for one in ENDPOINTS),
)
