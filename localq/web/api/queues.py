"""The API's questions and changes about queues and workers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from localq.app import LocalQ
from localq.model.bounds import checked_name
from localq.web.act import queues as change_queue
from localq.web.act import workers as change_worker
from localq.web.act.change import Hand
from localq.web.act.jobs import Came
from localq.web.api import schemas, told
from localq.web.ask.queue import all_queues
from localq.web.ask.workers import crew
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["grow", "leave", "pause", "purge", "queue", "queues", "resume", "serve", "shrink", "shutdown", "workers"]


async def queues(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Queues:
    """List the queues."""
    found = await site.desk.ask(lambda store: all_queues(store, site.past, site.desk.now()))
    return schemas.Queues([told.queue(one) for one in found])


async def queue(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Queue:
    """Tell of one queue."""
    name = request.path_params["name"]
    found = await site.desk.ask(lambda store: all_queues(store, site.past, site.desk.now()))
    seen = next((one for one in found if one.name == name), None)
    if seen is None:
        raise BadRequest(f"There is no queue {name[:100]!r}.", 404)
    return told.queue(seen)


async def pause(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Let no worker take jobs from a queue until it is resumed."""
    return await _change_queue(site, request, change_queue.pause)


async def resume(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Let workers take jobs from a queue again."""
    return await _change_queue(site, request, change_queue.resume)


async def purge(site: Site, request: Request, said: schemas.Purge) -> schemas.Changed:
    """Remove the jobs that wait in a queue, unless there are more than is said."""
    return await _change_queue(site, request, lambda app, hand, name: change_queue.purge(app, hand, name, said.most))


async def _change_queue(site: Site, request: Request, change: Callable[[LocalQ, Hand, str], Came]) -> schemas.Changed:
    try:
        name, hand = checked_name(request.path_params["name"], "queue"), hand_of(request)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return told.changed(await site.desk.act(lambda app: change(app, hand, name)))


async def workers(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Workers:
    """List the workers that may be alive."""
    found = await site.desk.ask(lambda store: crew(store, site.starts))
    return schemas.Workers([told.worker(one) for one in found.here])


async def grow(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Add a slot to a worker's pool."""
    return await _change_worker(site, request, change_worker.grow)


async def shrink(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Take a slot from a worker's pool."""
    return await _change_worker(site, request, change_worker.shrink)


async def shutdown(site: Site, request: Request, asked: schemas.Nothing) -> schemas.Changed:
    """Stop a worker, when its running jobs have finished."""
    return await _change_worker(site, request, change_worker.stop)


async def serve(site: Site, request: Request, said: schemas.QueueName) -> schemas.Changed:
    """Let a worker serve another queue until it ends."""
    return await _change_worker(
        site, request, lambda app, hand, name: change_worker.serve_queue(app, hand, name, said.queue)
    )


async def leave(site: Site, request: Request, said: schemas.QueueName) -> schemas.Changed:
    """Let a worker serve a queue no more until it ends."""
    return await _change_worker(
        site, request, lambda app, hand, name: change_worker.leave_queue(app, hand, name, said.queue)
    )


async def _change_worker(site: Site, request: Request, change: Callable[[LocalQ, Hand, str], Came]) -> schemas.Changed:
    name, hand = request.path_params["name"], hand_of(request)
    found = await site.desk.ask(lambda store: crew(store, site.starts))
    if name not in {one.row.card.name for one in found.here}:
        raise BadRequest(f"There is no worker {name[:100]!r}.", 404)
    return told.changed(await site.desk.act(lambda app: change(app, hand, name)))
