"""The style sheet, the script and the icon, as they lie in the package."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from localq.web.site import Site

__all__ = ["static"]

_KINDS = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


async def static(site: Site, request: Request) -> Response:
    """Return one of the few files there are, or that the browser has it already."""
    name = request.path_params["name"]
    if name not in _KINDS:
        return PlainTextResponse("There is nothing here.\n", 404)
    data, tag = _file(name)
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_KINDS[name], headers=headers)


@cache
def _file(name: str) -> tuple[bytes, str]:
    data = resources.files("localq.web").joinpath("static", name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:20]}"'
