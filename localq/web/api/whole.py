"""The API's questions about the whole: whether all is well, what finished over time, who changed what."""

from __future__ import annotations

from starlette.requests import Request

from localq.model.clock import to_datetime
from localq.web.api import schemas, told
from localq.web.ask import overview as ask
from localq.web.ask.audit import book
from localq.web.ask.series import WINDOWS, points
from localq.web.language import language
from localq.web.pages.reasons import told as said
from localq.web.site import Site

__all__ = ["audit", "overview", "series"]


async def overview(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Overview:
    """Say whether all is well, and what goes on."""
    window, now = WINDOWS["1h"], site.desk.now()
    seen = await site.desk.ask(lambda store: ask.overview(store, site.past, site.starts, window, now))
    needs = [schemas.Need(one.kind, said(one.text, one.values, language("en")), one.link) for one in seen.needs]
    return schemas.Overview(
        needs,
        told.figures(seen.hour),
        told.figures(seen.hour_before),
        seen.slots,
        seen.running,
        [told.queue(one) for one in seen.queues],
        [told.worker(one) for one in seen.workers],
    )


async def series(site: Site, request: Request, asked: schemas.WindowAsked) -> schemas.Series:
    """Tell how many jobs finished, and failed, over time."""
    window, now = WINDOWS[asked.window], site.desk.now()
    tallies, whole_from = await site.desk.ask(lambda store: site.past.tallies(store, window, now))
    found = points(tallies, now - window.length_us, now, window.step_us)
    return schemas.Series(
        asked.window,
        window.step_us / 1e6,
        [schemas.Point(to_datetime(one.at), one.finished, one.failed) for one in found],
        told.at(whole_from if whole_from > now - window.length_us else None),
    )


async def audit(site: Site, request: Request, asked: schemas.AuditAsked) -> schemas.Audit:
    """Tell who changed what, the latest first."""
    found = await site.desk.ask(lambda store: book(store, asked.before))
    return schemas.Audit([schemas.AuditEntry(to_datetime(row.at), *row.change) for row in found.rows], found.cursor)
