"""The buttons and forms about schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.exceptions import LocalQError, StoreError
from localq.web.act import schedules as act
from localq.web.act.change import Denied, Hand
from localq.web.act.jobs import Came
from localq.web.forms import Form
from localq.web.pages.form_door import back_to, changing
from localq.web.pages.refused import refusal, refused_page
from localq.web.pages.schedules import again
from localq.web.site import Site

__all__ = ["add", "backfill", "edit", "pause", "remove", "resume", "trigger"]


async def add(site: Site, request: Request) -> Response:
    """Add a schedule."""
    hand, form = await changing(site, request)
    return await _write(site, request, _said(form, form.get("name")), act.add, hand, new=True)


async def edit(site: Site, request: Request) -> Response:
    """Change a schedule."""
    hand, form = await changing(site, request)
    return await _write(site, request, _said(form, request.path_params["name"]), act.edit, hand, new=False)


async def pause(site: Site, request: Request) -> Response:
    """Let it rest."""
    return await _change(site, request, lambda app, hand, name, _: act.pause(app, hand, name))


async def resume(site: Site, request: Request) -> Response:
    """Let it go on."""
    return await _change(site, request, lambda app, hand, name, _: act.resume(app, hand, name))


async def trigger(site: Site, request: Request) -> Response:
    """Fire it now."""
    return await _change(site, request, lambda app, hand, name, _: act.trigger(app, hand, name))


async def backfill(site: Site, request: Request) -> Response:
    """Fire what did not fire."""
    return await _change(
        site, request, lambda app, hand, name, form: act.backfill(app, hand, name, form.get("from"), form.get("to"))
    )


async def remove(site: Site, request: Request) -> Response:
    """Remove it."""
    return await _change(site, request, lambda app, hand, name, _: act.remove(app, hand, name), gone=True)


def _said(form: Form, name: str) -> act.Said:
    return act.Said(name, {field: form.get(field) for field in act.FIELDS})


async def _write(
    site: Site,
    request: Request,
    said: act.Said,
    change: Callable[[LocalQ, Hand, str, Mapping[str, Any]], Came],
    hand: Hand,
    *,
    new: bool,
) -> Response:
    try:
        came = await site.desk.act(lambda app: change(app, hand, said.name, said.changes()))
    except (StoreError, Denied):
        raise
    except LocalQError as error:
        return await again(site, request, said, error, new=new)
    return back_to(request, f"schedules/{quote(said.name, safe='')}", came)


async def _change(
    site: Site, request: Request, change: Callable[[LocalQ, Hand, str, Form], Came], *, gone: bool = False
) -> Response:
    name = request.path_params["name"]
    hand, form = await changing(site, request)
    try:
        came = await site.desk.act(lambda app: change(app, hand, name, form))
    except (StoreError, Denied):
        raise
    except LocalQError as error:
        return refused_page(site, request, refusal(409, error))
    return back_to(request, "schedules" if gone else f"schedules/{quote(name, safe='')}", came)
