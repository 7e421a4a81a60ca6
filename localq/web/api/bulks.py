"""The API's changes of many jobs: count, look, then begin."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from localq.web.act.bulk import Bulk
from localq.web.api import schemas, told
from localq.web.ask.listing import asked_in, meant
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["begin", "bulk", "count", "stop"]


async def count(site: Site, request: Request, said: schemas.BulkWanted) -> schemas.Bulk:
    """Count the jobs that a change is wanted of; nothing is changed until it is begun."""
    fields: dict[str, Any] = msgspec.structs.asdict(said)
    asked = asked_in({name: [one] if isinstance(one, str) else one for name, one in fields.items()})
    made = Bulk(hand_of(request), said.verb, asked, said.ids, site.desk.now())
    if not made.ids:
        await site.desk.ask(lambda store: meant(store, asked, made.now))
    await site.bulks.count(made)
    return told.bulk(made)


async def bulk(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Bulk:
    """Tell how far a change of many jobs is; it is known while the dashboard runs."""
    return told.bulk(_known(site, request))


async def begin(site: Site, request: Request, said: schemas.BulkBegun) -> schemas.Bulk:
    """Begin a change that was counted; once."""
    found = _known(site, request)
    await site.bulks.begin(found, hand_of(request), said.spread_s)
    return told.bulk(found)


async def stop(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Bulk:
    """Stop a change of many jobs after the batch that is being changed."""
    found = _known(site, request)
    site.bulks.stop(found, hand_of(request))
    return told.bulk(found)


def _known(site: Site, request: Request) -> Bulk:
    found = site.bulks.get(request.path_params["id"])
    if found is None:
        raise BadRequest("This change is not known any more. The audit says what came of it.", 404)
    return found
