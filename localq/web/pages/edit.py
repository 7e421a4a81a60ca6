"""Running a job's call once more with other arguments: the form, and what it makes."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.exceptions import QueryError
from localq.model.job import Job
from localq.monitor.jobs import job_called
from localq.store.protocol import Store
from localq.web.act.edited import Draft, arguments, call_edited, draft_of
from localq.web.gate.access import Refused
from localq.web.pages.form_door import changing
from localq.web.pages.reasons import error_text, told
from localq.web.pages.refused import refused_page
from localq.web.rendering import language_of
from localq.web.site import Site, go_to

__all__ = ["edit", "send_edited"]


async def edit(site: Site, request: Request) -> Response:
    """Show a job's arguments for somebody to change."""
    name = request.path_params["id"]
    job = await site.desk.ask(lambda store: _job(store, name))
    if job is None:
        return refused_page(site, request, Refused(404, "There is no job {name}.", values={"name": repr(name[:100])}))
    return _form(site, request, job, draft_of(site.desk.app, job), None)


def _job(store: Store, name: str) -> Job | None:
    found = job_called(store.read, name, ends=False)
    return None if found is None else store.read.get([found.id], args=True).get(found.id)


def _form(site: Site, request: Request, job: Job, draft: Draft, error: Exception | None) -> Response:
    say = language_of(request)
    values = {
        "job": job,
        "draft": draft,
        "refused": told(*draft.refused, say) if draft.refused else "",
        "error": error_text(error, say) if error else "",
    }
    return site.render.page(request, "edit.html", values, status=400 if error else 200)


async def send_edited(site: Site, request: Request) -> Response:
    """Make the new job, and go on to its page; or show the form again with what is wrong."""
    name = request.path_params["id"]
    hand, form = await changing(site, request)
    draft = Draft(form.get("args"), form.get("kwargs"))
    try:
        args, kwargs = arguments(draft.args, draft.kwargs)
        new = await site.desk.act(lambda app: call_edited(app, hand, name, args, kwargs))
    except QueryError as error:
        job = await site.desk.ask(lambda store: _job(store, name))
        if job is None:
            raise
        return _form(site, request, job, draft, error)
    return go_to(request, f"jobs/{quote(new, safe='')}")
