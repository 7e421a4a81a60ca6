"""The list of jobs, and the way from an id to its job."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.monitor.jobs import STATES, job_called
from localq.store.protocol import Store
from localq.web.ask.listing import Asked, Listing, asked_in, listing
from localq.web.gate.access import Refused
from localq.web.pages.refused import refused_page
from localq.web.site import Site, go_to

__all__ = ["find", "jobs"]


class _Found(NamedTuple):
    listing: Listing
    task_names: list[str]
    queue_names: list[str]


async def jobs(site: Site, request: Request) -> Response:
    """List jobs."""
    query = request.query_params
    asked = asked_in({name: query.getlist(name) for name in query})
    found = await site.desk.ask(lambda store: _found(site.desk.app, store, asked))
    cursor = found.listing.cursor
    return site.render.page(
        request,
        "jobs.html",
        {
            **found._asdict(),
            "asked": asked,
            "known_states": list(STATES),
            "next_page": None if cursor is None else f"?{_query(asked._replace(before=cursor))}",
            "first_page": f"?{_query(asked._replace(before=None))}",
        },
    )


def _found(app: LocalQ, store: Store, asked: Asked) -> _Found:
    names = {task for _, task in store.read.waiting_tasks()} | set(app.tasks)
    queues = {queue for queue, _ in store.read.stats().counts}
    return _Found(listing(app, store, asked), sorted(names), sorted(queues))


def _query(asked: Asked) -> str:
    fields = [("state", one) for one in asked.states]
    fields += [("task", one) for one in asked.tasks]
    fields += [("queue", one) for one in asked.queues]
    if asked.before is not None:
        fields.append(("before", str(asked.before)))
    return urlencode(fields)


async def find(site: Site, request: Request) -> Response:
    """Go to the job of an id, or of the start of one."""
    name = request.query_params.get("id", "").strip()
    job = await site.desk.ask(lambda store: job_called(store.read, name) if name else None)
    if job is None:
        return refused_page(site, request, Refused(404, f"There is no job {name[:100]!r}."))
    return go_to(request, f"jobs/{quote(job.id, safe='')}")
