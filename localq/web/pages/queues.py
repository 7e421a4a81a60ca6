"""The queues: their list, each one's page, and its buttons."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.web.act import queues as act
from localq.web.act.change import Hand
from localq.web.act.jobs import Came
from localq.web.ask.listing import whole_number
from localq.web.ask.queue import all_queues, queue_whole
from localq.web.gate.access import Refused
from localq.web.pages.form_door import back_to, changing
from localq.web.pages.refused import refused_page
from localq.web.site import Site

__all__ = ["pause", "purge", "queue", "queues", "resume"]


async def queues(site: Site, request: Request) -> Response:
    """List queues."""
    now = site.desk.now()
    seen = await site.desk.ask(lambda store: all_queues(store, site.past, now))
    return site.render.page(request, "queues.html", {"queues": seen})


async def queue(site: Site, request: Request) -> Response:
    """Show a queue."""
    name, now = request.path_params["name"], site.desk.now()
    whole = await site.desk.ask(lambda store: queue_whole(site.desk.app, store, site.past, name, now))
    if whole is None:
        return refused_page(site, request, Refused(404, "There is no queue {name}.", values={"name": repr(name[:100])}))
    return site.render.page(request, "queue.html", {"whole": whole, "queue": whole.seen})


async def pause(site: Site, request: Request) -> Response:
    """Pause a queue."""
    return await _change(site, request, act.pause)


async def resume(site: Site, request: Request) -> Response:
    """Let a queue go on."""
    return await _change(site, request, act.resume)


async def purge(site: Site, request: Request) -> Response:
    """Remove what waits in a queue, as many jobs as were shown."""
    name = request.path_params["name"]
    hand, form = await changing(site, request)
    shown = whole_number("shown", form.get("shown")) or 0
    came = await site.desk.act(lambda app: act.purge(app, hand, name, shown))
    return await _back(site, request, name, came)


async def _change(site: Site, request: Request, change: Callable[[LocalQ, Hand, str], Came]) -> Response:
    name = request.path_params["name"]
    hand, _ = await changing(site, request)
    came = await site.desk.act(lambda app: change(app, hand, name))
    return await _back(site, request, name, came)


async def _back(site: Site, request: Request, name: str, came: Came) -> Response:
    """Go to the queue's page, or to the list where nothing is left of the queue."""
    now = site.desk.now()
    left = await site.desk.ask(lambda store: any(one.name == name for one in all_queues(store, site.past, now)))
    return back_to(request, f"queues/{quote(name, safe='')}" if left else "queues", came)
