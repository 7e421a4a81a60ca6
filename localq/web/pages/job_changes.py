"""The buttons on a job's page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.web.act.change import Hand
from localq.web.act.jobs import Came, cancel, delete, run_again
from localq.web.pages.form_door import back_to, changing
from localq.web.site import Site

__all__ = ["cancel_one", "delete_one", "retry_one", "terminate_one"]


async def retry_one(site: Site, request: Request) -> Response:
    """Run a job again."""
    return await _change(site, request, lambda app, hand, name: run_again(app, hand, [name]))


async def cancel_one(site: Site, request: Request) -> Response:
    """Cancel a job."""
    return await _change(site, request, lambda app, hand, name: cancel(app, hand, [name]))


async def terminate_one(site: Site, request: Request) -> Response:
    """Stop a job that runs."""
    return await _change(site, request, lambda app, hand, name: cancel(app, hand, [name], terminate=True))


async def delete_one(site: Site, request: Request) -> Response:
    """Remove a finished job, and go on to the list, for its page is no more."""
    name = request.path_params["id"]
    hand, _ = await changing(site, request)
    came = await site.desk.act(lambda app: delete(app, hand, [name]))
    return back_to(request, "jobs" if came.count else f"jobs/{quote(name, safe='')}", came)


async def _change(site: Site, request: Request, change: Callable[[LocalQ, Hand, str], Came]) -> Response:
    name = request.path_params["id"]
    hand, _ = await changing(site, request)
    came = await site.desk.act(lambda app: change(app, hand, name))
    return back_to(request, f"jobs/{quote(name, safe='')}", came)
