"""What somebody gets who is not let in, or who asks for what cannot be."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from localq.web.api.problems import problem
from localq.web.gate.access import Refused
from localq.web.sentence import english, said_of
from localq.web.site import Site

__all__ = ["refusal", "refused_page"]


def refusal(status: int, error: Exception) -> Refused:
    """Return what an error is to who asked."""
    text, values = said_of(error)
    return Refused(status, text, values=values)


def refused_page(site: Site, request: Request, refused: Refused) -> Response:
    """Return a refusal in the form that who asks can read: a page for browsers, else a problem (RFC 9457) or a line."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    headers = {"WWW-Authenticate": _challenge(site, request)} if refused.status == 401 else {}
    if refused.again_s:
        headers["Retry-After"] = str(refused.again_s)
    if path.startswith("/api/v1/"):
        answer = problem(refused.status, english(refused.reason, refused.values))
        answer.headers.update(headers)
        return answer
    if path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{english(refused.reason, refused.values)}\n", refused.status, headers)
    page = site.render.page(
        request, "refused.html", {"refused": refused, "named": site.access.has_passwords}, refused.status
    )
    page.headers.update(headers)
    return page


def _challenge(site: Site, request: Request) -> str:
    """Return what to send: browsers are never asked for a password by a window of their own, again and again."""
    if site.access.has_passwords and not request.headers.get("user-agent", "").startswith("Mozilla/"):
        return 'Basic realm="localq", charset="UTF-8"'
    return 'Bearer realm="localq"'
