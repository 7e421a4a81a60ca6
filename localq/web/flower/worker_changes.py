"""Flower's changes to workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from localq.model.bounds import checked_name
from localq.web.act.letters import Answered, steer
from localq.web.flower.asked import Parameters, message, parameters
from localq.web.flower.workers import known_worker
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["add_consumer", "autoscale", "cancel_consumer", "grow", "restart", "shrink", "shutdown"]

#: Slots that a pool is made larger or smaller by at most, with one call.
_MOST = 100_000


async def shutdown(site: Site, request: Request) -> Response:
    """Stop a worker when its jobs have finished."""
    await _known(site, request)
    answer = await _told(site, request, "shutdown", {})
    if answer.done is False:
        raise BadRequest(f"Failed to shut down '{request.path_params['worker']}' worker: {answer.said}", 403)
    return message("Shutting down!")


async def restart(site: Site, request: Request) -> Response:
    """Replace the processes of a worker's pool."""
    name, _ = await _known(site, request)
    await _done(site, request, "pool_restart", {"reload": False}, f"Failed to restart '{name}' worker's pool: ")
    return message(f"Restarting '{name}' worker's pool")


async def grow(site: Site, request: Request) -> Response:
    """Add slots to a worker's pool."""
    name, asked = await _known(site, request)
    number = _number(asked)
    await _done(site, request, "pool_grow", {"n": number}, f"Failed to grow '{name}' worker's pool: ")
    return message(f"Growing '{name}' worker's pool by {number}")


async def shrink(site: Site, request: Request) -> Response:
    """Take slots from a worker's pool."""
    name, asked = await _known(site, request)
    number = _number(asked)
    await _done(site, request, "pool_shrink", {"n": number}, f"Failed to shrink '{name}' worker's pool: ")
    return message(f"Shrinking '{name}' worker's pool by {number}")


def _number(asked: Parameters) -> int:
    number = asked.whole("n", 1)
    assert number is not None
    if not 1 <= number <= _MOST:
        raise BadRequest(f"n={number}: a pool changes by 1 slot or more.")
    return number


async def autoscale(site: Site, request: Request) -> Response:
    """Let the size of a worker's pool follow the demand, within bounds."""
    name, asked = await _known(site, request)
    for one in ("min", "max"):
        asked.needed(one)
    fewest, most = asked.whole("min"), asked.whole("max")
    assert fewest is not None
    assert most is not None
    if not 0 <= fewest <= most <= _MOST:
        raise BadRequest(f"min={fewest}, max={most}: min is 0 or more, and max no less than min.")
    bounds = {"min": fewest, "max": most}
    await _done(site, request, "autoscale", bounds, f"Failed to autoscale '{name}' worker: ")
    return message(f"Autoscaling '{name}' worker (min={fewest}, max={most})")


async def add_consumer(site: Site, request: Request) -> Response:
    """Let a worker serve another queue."""
    name, asked = await _known(site, request)
    queue = asked.needed("queue")
    failed = f"Failed to add '{queue}' consumer to '{name}' worker: "
    return message(await _done(site, request, "add_consumer", {"queue": queue}, failed))


async def cancel_consumer(site: Site, request: Request) -> Response:
    """Let a worker serve a queue no more."""
    name, asked = await _known(site, request)
    queue = asked.needed("queue")
    failed = f"Failed to cancel '{queue}' consumer from '{name}' worker: "
    return message(await _done(site, request, "cancel_consumer", {"queue": queue}, failed))


async def _known(site: Site, request: Request) -> tuple[str, Parameters]:
    """Return the worker that a path names, which must be there, and the parameters."""
    return await known_worker(site, request.path_params["worker"]), await parameters(request)


async def _told(site: Site, request: Request, command: str, arguments: Mapping[str, Any]) -> Answered:
    name, hand = request.path_params["worker"], hand_of(request)
    try:
        if "queue" in arguments:
            checked_name(arguments["queue"], "queue")
        return await site.desk.act(lambda app: steer(app, hand, name, command, command, arguments))
    except ValueError as error:
        raise BadRequest(str(error)) from None


async def _done(site: Site, request: Request, command: str, arguments: Mapping[str, Any], failed: str) -> str:
    """Return what the worker said to a command.

    Raises:
        BadRequest: it refused, or did not answer; with 403, as from Flower.
    """
    if "queue" in arguments and not arguments["queue"].strip():
        raise BadRequest("Missing argument queue")
    answer = await _told(site, request, command, arguments)
    if not answer.done:
        raise BadRequest(f"{failed}{answer.said}", 403)
    return answer.said
