"""Coming in: the one-time link, the token, and what is chosen for a browser alone."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from localq.web.forms import read_form
from localq.web.gate.access import Refused, cookie_name
from localq.web.gate.sessions import SESSION_S
from localq.web.language import LANGUAGES
from localq.web.pages.refused import refused_page
from localq.web.site import Site, go_to, root_of

__all__ = ["by_link", "by_token", "is_own_path", "language"]


async def by_link(site: Site, request: Request) -> Response:
    """Open a session with the link that was printed, and go on to the first page."""
    code = request.query_params.get("once", "")
    if not site.sessions.take_link(code, time.time()):
        return refused_page(site, request, Refused(401, "This link was used before, or is too old. Send the token."))
    return _let_in(site, request)


async def by_token(site: Site, request: Request) -> Response:
    """Open a session with the token, or with a name and its password."""
    form = await read_form(request)
    user = form.get("user") if site.access.has_passwords else ""
    client = "" if request.client is None else request.client.host
    refused = site.access.log_in(client, user, form.get("password" if user else "token"), time.time())
    return _let_in(site, request, user) if refused is None else refused_page(site, request, refused)


def _let_in(site: Site, request: Request, user: str = "") -> Response:
    answer = go_to(request, "")
    server = request.scope.get("server")
    answer.set_cookie(
        cookie_name(0 if server is None else server[1]),
        site.sessions.new_session(time.time(), user),
        max_age=SESSION_S,
        path=root_of(request) or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


async def language(site: Site, request: Request) -> Response:
    """Remember the language somebody chose, in their browser."""
    form = await read_form(request)
    path = form.get("back")
    answer = go_to(request, path if is_own_path(path) else "")
    if form.get("language") in LANGUAGES:
        answer.set_cookie(
            "localq_language",
            form.get("language"),
            max_age=365 * 24 * 3600,
            path=root_of(request) or "/",
            httponly=True,
            samesite="strict",
        )
    return answer


def is_own_path(text: str) -> bool:
    """Whether a text is a path below this dashboard, and leads nowhere else."""
    parts = urlsplit(text)
    return not parts.scheme and not parts.netloc and not text.startswith(("/", "\\")) and ":" not in parts.path
