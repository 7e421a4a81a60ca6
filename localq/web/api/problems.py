"""What goes wrong, as RFC 9457 says it."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from localq.web.api.shapes.common import Problem

__all__ = ["problem"]

_TITLES = {
    400: "Bad request",
    401: "Who asks is not known",
    403: "Not allowed",
    404: "Not found",
    409: "Not done",
    413: "Too long",
    415: "Of another type",
    421: "Another host",
    503: "The store cannot be reached",
}


def problem(status: int, detail: str) -> Response:
    """Return a problem (RFC 9457)."""
    told = Problem(status, detail, title=_TITLES.get(status, ""))
    return Response(msgspec.json.encode(told), status, media_type="application/problem+json")
