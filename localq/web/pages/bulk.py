"""A change of many jobs: the count that is asked for, the page that asks whether it is meant, and its progress."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from localq.web.act.bulk import Bulk
from localq.web.ask.listing import asked_in, meant
from localq.web.gate.access import Refused
from localq.web.pages.form_door import changing
from localq.web.pages.refused import refused_page
from localq.web.sentence import Unmeant
from localq.web.site import Site, go_to

__all__ = ["begin", "bulk", "count", "stop"]

#: Kinds of jobs that are told apart on the page.
_KINDS = 12
#: Seconds over which a change may be spread from the page; the API takes any number.
_SPREADS = (600, 1800, 7200, 21_600, 86_400)


async def count(site: Site, request: Request) -> Response:
    """Count the jobs that a filter finds, or that were picked, and go on to the page that asks."""
    hand, form = await changing(site, request)
    asked = asked_in({name: form.all(name) for name in form.names})
    made = Bulk(hand, form.get("verb"), asked, form.all("id"), site.desk.now())
    if not made.ids:
        # A question that cannot be meant is told at once.
        await site.desk.ask(lambda store: meant(store, asked, made.now))
    await site.bulks.count(made)
    return go_to(request, f"bulk/{made.id}")


async def bulk(site: Site, request: Request) -> Response:
    """Show what a change of many jobs is to be, how far it is, or what came of it."""
    found = site.bulks.get(request.path_params["id"])
    if found is None:
        return _unknown(site, request)
    values = {
        "bulk": found,
        "kinds": found.kinds.most_common(_KINDS),
        "more_kinds": max(0, len(found.kinds) - _KINDS),
        "spreads": _SPREADS,
        "rests_s": found.rests_s(site.desk.now()),
        "back": f"jobs?{urlencode(found.asked.fields())}",
    }
    return site.render.page(request, "bulk.html", values)


async def begin(site: Site, request: Request) -> Response:
    """Make the change that was counted."""
    hand, form = await changing(site, request)
    found = site.bulks.get(request.path_params["id"])
    if found is None:
        return _unknown(site, request)
    await site.bulks.begin(found, hand, _seconds(form.get("spread", "0")))
    return go_to(request, f"bulk/{found.id}")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unmeant("{field} must be a number of seconds.", field=f"spread={text[:40]!r}") from None


async def stop(site: Site, request: Request) -> Response:
    """Stop a change of many jobs after the batch that is being changed."""
    hand, _ = await changing(site, request)
    found = site.bulks.get(request.path_params["id"])
    if found is None:
        return _unknown(site, request)
    site.bulks.stop(found, hand)
    return go_to(request, f"bulk/{found.id}")


def _unknown(site: Site, request: Request) -> Response:
    return refused_page(site, request, Refused(404, "This is not known any more. The audit says what came of it."))
