"""The API's questions and changes about schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request

from localq.app import LocalQ
from localq.schedules.schedule_view import LedgerLine
from localq.web.act import schedules as change
from localq.web.act.change import Hand
from localq.web.act.jobs import Came
from localq.web.api import schemas, told
from localq.web.ask.schedules import ScheduleWhole, schedule_whole, schedules_seen
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["add", "backfill", "edit", "ledger", "pause", "remove", "resume", "schedule", "schedules", "trigger"]


async def schedules(site: Site, request: Request, asked: schemas.SchedulesAsked) -> schemas.Schedules:
    """List schedules, by name."""
    found, more = await site.desk.ask(lambda store: schedules_seen(site.desk.app, store, asked.text))
    return schemas.Schedules([told.schedule(one.view) for one in found], more)


async def schedule(site: Site, request: Request, asked: schemas.Nothing) -> schemas.ScheduleDetail:
    """Tell of one schedule, and its next instants."""
    whole = await _whole(site, request, None)
    return schemas.ScheduleDetail(told.schedule(whole.seen.view), list(whole.upcoming))


async def ledger(site: Site, request: Request, asked: schemas.LedgerAsked) -> schemas.Ledger:
    """Tell what became of a schedule's instants, latest first."""
    whole = await _whole(site, request, asked.before)
    return schemas.Ledger([told.ledger_entry(LedgerLine.of(row)) for row in whole.past.rows], whole.past.cursor)


async def _whole(site: Site, request: Request, before: int | None) -> ScheduleWhole:
    name = request.path_params["name"]
    found = await site.desk.ask(lambda store: schedule_whole(site.desk.app, store, name, before))
    if found is None:
        raise BadRequest(f"There is no schedule {name[:100]!r}.", 404)
    return found


async def pause(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Let a schedule rest until it is resumed."""
    return await _change(site, request, change.pause)


async def resume(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Let a schedule go on with its next instant."""
    return await _change(site, request, change.resume)


async def trigger(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Fire a schedule now, whatever its rule says."""
    return await _change(site, request, change.trigger)


async def add(site: Site, request: Request, said: schemas.ScheduleAdded) -> schemas.Changed:
    """Add a schedule, which is kept until it is removed."""
    fields, hand = _said(said), hand_of(request)
    return told.changed(await site.desk.act(lambda app: change.add(app, hand, fields.pop("name"), fields)))


async def edit(site: Site, request: Request, said: schemas.ScheduleEdited) -> schemas.Changed:
    """Change a schedule that was added at run time; what is left out stays, null takes an option back."""
    return await _change(site, request, lambda app, hand, name: change.edit(app, hand, name, _said(said)))


async def remove(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Remove a schedule with its ledger; its jobs stay."""
    return await _change(site, request, change.remove)


async def backfill(site: Site, request: Request, said: schemas.Backfill) -> schemas.Changed:
    """Fire the instants between two times that did not fire."""
    return await _change(site, request, lambda app, hand, name: change.backfill(app, hand, name, said.start, said.end))


def _said(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(struct).items() if value is not msgspec.UNSET}


async def _change(site: Site, request: Request, made: Callable[[LocalQ, Hand, str], Came]) -> schemas.Changed:
    name, hand = request.path_params["name"], hand_of(request)
    if not await site.desk.ask(lambda store: store.schedules.find([name])):
        raise BadRequest(f"There is no schedule {name[:100]!r}.", 404)
    return told.changed(await site.desk.act(lambda app: made(app, hand, name)))
