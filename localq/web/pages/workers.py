"""The workers, and what they are told from their page."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.web.act import workers as act
from localq.web.act.change import Hand
from localq.web.act.jobs import Came
from localq.web.ask.workers import crew
from localq.web.forms import Form
from localq.web.pages.form_door import back_to, changing
from localq.web.pages.refused import refusal, refused_page
from localq.web.site import Site

__all__ = ["grow", "leave", "serve", "shrink", "stop", "workers"]


async def workers(site: Site, request: Request) -> Response:
    """Show the workers and what they run."""
    seen = await site.desk.ask(lambda store: crew(store, site.starts))
    return site.render.page(request, "workers.html", {"crew": seen})


async def grow(site: Site, request: Request) -> Response:
    """Add a slot."""
    return await _tell(site, request, lambda app, hand, name, _: act.grow(app, hand, name))


async def shrink(site: Site, request: Request) -> Response:
    """Take a slot away."""
    return await _tell(site, request, lambda app, hand, name, _: act.shrink(app, hand, name))


async def serve(site: Site, request: Request) -> Response:
    """Let it serve another queue."""
    return await _tell(site, request, lambda app, hand, name, form: act.serve_queue(app, hand, name, form.get("queue")))


async def leave(site: Site, request: Request) -> Response:
    """Let it serve a queue no more."""
    return await _tell(site, request, lambda app, hand, name, form: act.leave_queue(app, hand, name, form.get("queue")))


async def stop(site: Site, request: Request) -> Response:
    """Shut it down."""
    return await _tell(site, request, lambda app, hand, name, _: act.stop(app, hand, name))


async def _tell(site: Site, request: Request, change: Callable[[LocalQ, Hand, str, Form], Came]) -> Response:
    name = request.path_params["name"]
    hand, form = await changing(site, request)
    try:
        came = await site.desk.act(lambda app: change(app, hand, name, form))
    except act.NotDone as error:
        return refused_page(site, request, refusal(409, error))
    return back_to(request, "workers", came)
