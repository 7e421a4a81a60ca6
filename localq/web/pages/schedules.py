"""The schedules: their list, and the page of each."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from localq.exceptions import LocalQError
from localq.schedules.definition import MISSED, OVERLAP
from localq.schedules.schedule_view import ScheduleView
from localq.web.act.schedules import Said
from localq.web.ask.listing import whole_number
from localq.web.ask.schedules import schedule_whole, schedules_seen
from localq.web.gate.access import Refused
from localq.web.language import Language
from localq.web.pages.refused import refused_page
from localq.web.rendering import language_of
from localq.web.site import Site

__all__ = ["again", "schedule", "schedules"]

#: Policies that a form offers.
_CHOICES = {"missed_choices": MISSED, "overlap_choices": OVERLAP}
_NOTHING = Said("", {})


async def schedules(site: Site, request: Request) -> Response:
    """List schedules."""
    return await _list(site, request, _NOTHING, None)


async def schedule(site: Site, request: Request) -> Response:
    """Show a schedule."""
    return await _one(site, request, request.path_params["name"], _NOTHING, None)


async def again(site: Site, request: Request, said: Said, error: LocalQError, *, new: bool) -> Response:
    """Show a form once more with what was typed, and what is wrong with it."""
    return await (_list(site, request, said, error) if new else _one(site, request, said.name, said, error))


async def _list(site: Site, request: Request, said: Said, error: LocalQError | None) -> Response:
    text = request.query_params.get("q", "").strip()[:200]
    seen, more = await site.desk.ask(lambda store: schedules_seen(site.desk.app, store, text))
    return _drawn(site, request, "schedules.html", {"seen": seen, "more": more, "text": text}, said, error)


async def _one(site: Site, request: Request, name: str, said: Said, error: LocalQError | None) -> Response:
    before = whole_number("before", request.query_params.get("before", ""))
    whole = await site.desk.ask(lambda store: schedule_whole(site.desk.app, store, name, before))
    if whole is None:
        return refused_page(
            site, request, Refused(404, "There is no schedule {name}.", values={"name": repr(name[:100])})
        )
    return _drawn(site, request, "schedule.html", {"whole": whole, "before": before}, said, error)


def _drawn(
    site: Site, request: Request, template: str, values: dict[str, Any], typed: Said, error: LocalQError | None
) -> HTMLResponse:
    wrong = "" if error is None else _told(error)
    say = language_of(request)
    values = {
        **values,
        **_CHOICES,
        "rule_words": partial(_words, say),
        "typed": typed,
        "error": wrong,
        "task_names": sorted(site.desk.app.tasks),
    }
    return site.render.page(request, template, values, 200 if error is None else 422)


def _words(say: Language, view: ScheduleView) -> str:
    """Return a schedule's rule in words; one that only its program knows has no other words than its own."""
    return view.words if view.rule is None or say.code == "en" else view.rule.told(say)


def _told(error: LocalQError) -> str:
    """Return what is wrong, without the call that a program would have made."""
    call, parted, rest = str(error).partition("), ")
    return rest if parted and call.startswith("schedules.") else str(error)
