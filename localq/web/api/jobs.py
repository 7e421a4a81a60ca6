"""The API's questions and changes about jobs and tasks."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from localq.app import LocalQ
from localq.store.protocol import Store
from localq.web.act.change import Hand
from localq.web.act.edited import call_edited
from localq.web.act.jobs import Came, cancel, delete, run_again
from localq.web.api import schemas, told
from localq.web.ask.job import JobSeen, job_seen
from localq.web.ask.listing import Listing, asked_in, listing
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["cancel_one", "delete_one", "edit", "job", "jobs", "retry", "terminate", "why"]


async def jobs(site: Site, request: Request, asked: schemas.JobsAsked) -> schemas.JobsPage:
    """List jobs, newest first."""
    query = request.query_params
    meant = asked_in({name: query.getlist(name) for name in query})

    def asked_of(store: Store) -> Listing:
        return listing(site.desk.app, store, meant, usual=site.past.usual(store, site.desk.now()))

    found = await site.desk.ask(asked_of)
    return schemas.JobsPage([told.line(one) for one in found.lines], found.cursor, told.at(found.looked_back_to))


async def job(site: Site, request: Request, asked: schemas.Nothing) -> schemas.JobDetail:
    """Tell all that is known of a job."""
    seen = await _seen(site, request)
    return told.detail(seen, await site.desk.ask(lambda store: site.outputs.of(store, seen.job)))


async def why(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Why:
    """Say why a job is where it is."""
    return told.why((await _seen(site, request)).reason)


async def _seen(site: Site, request: Request) -> JobSeen:
    name = request.path_params["id"]
    seen = await site.desk.ask(lambda store: job_seen(site.desk.app, store, name))
    if seen is None:
        raise BadRequest(f"There is no job {name[:100]!r}.", 404)
    return seen


async def retry(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Run a finished job again, as it was."""
    return await _change(site, request, lambda app, hand, name: run_again(app, hand, [name]))


async def cancel_one(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Cancel a job; one that runs goes on."""
    return await _change(site, request, lambda app, hand, name: cancel(app, hand, [name]))


async def terminate(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Cancel a job, and stop it if it runs."""
    return await _change(site, request, lambda app, hand, name: cancel(app, hand, [name], terminate=True))


async def edit(site: Site, request: Request, said: schemas.Edited) -> schemas.Called:
    """Add a job like another with other arguments, which are checked against its task; the other stays as it is."""
    name, hand = request.path_params["id"], hand_of(request)
    await _seen(site, request)
    return schemas.Called(await site.desk.act(lambda app: call_edited(app, hand, name, said.args, said.kwargs)))


async def delete_one(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Remove a finished job with all it holds, unless another waits for it."""
    return await _change(site, request, lambda app, hand, name: delete(app, hand, [name]))


async def _change(site: Site, request: Request, change: Callable[[LocalQ, Hand, str], Came]) -> schemas.Changed:
    name, hand = request.path_params["id"], hand_of(request)
    there = await site.desk.ask(lambda store: store.read.get([name]))
    if name not in there:
        raise BadRequest(f"There is no job {name[:100]!r}.", 404)
    return told.changed(await site.desk.act(lambda app: change(app, hand, name)))
