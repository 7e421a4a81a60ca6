"""The list of jobs, and the way from an id to its job."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from localq.monitor.jobs import STATES, job_called
from localq.store.protocol import Store
from localq.web.ask.listing import WITHIN, Asked, Listing, asked_in, listing
from localq.web.ask.names import Known
from localq.web.gate.access import Refused
from localq.web.pages.refused import refused_page
from localq.web.site import Site, go_to

__all__ = ["find", "jobs"]


class _Found(NamedTuple):
    listing: Listing
    known: Known


async def jobs(site: Site, request: Request) -> Response:
    """List jobs."""
    query = request.query_params
    asked = asked_in({name: query.getlist(name) for name in query})
    found = await site.desk.ask(lambda store: _found(site, store, asked))
    cursor = found.listing.cursor
    return site.render.page(
        request,
        "jobs.html",
        {
            **found._asdict(),
            "asked": asked,
            "known_states": list(STATES),
            "withins": list(WITHIN),
            "next_page": None if cursor is None else f"?{urlencode([*asked.fields(), ('before', str(cursor))])}",
            "first_page": f"?{urlencode(asked.fields())}",
        },
    )


def _found(site: Site, store: Store, asked: Asked) -> _Found:
    usual = site.past.usual(store, site.desk.now())
    return _Found(listing(site.desk.app, store, asked, usual=usual), site.names.known(site.desk.app, store))


async def find(site: Site, request: Request) -> Response:
    """Go to the job of an id, or of the start or the end of one."""
    name = request.query_params.get("id", "").strip()
    job = await site.desk.ask(lambda store: job_called(store.read, name) if name else None)
    if job is None:
        return refused_page(site, request, Refused(404, "There is no job {name}.", values={"name": repr(name[:100])}))
    return go_to(request, f"jobs/{quote(job.id, safe='')}")
