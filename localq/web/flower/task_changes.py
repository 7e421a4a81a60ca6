"""Flower's changes to tasks: revoked, asked to stop, and limited."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from localq.model.job import Job, JobState
from localq.result import signal_number
from localq.web.act.jobs import ask_to_stop, cancel
from localq.web.act.limits import limit_rate, limit_time
from localq.web.flower.asked import Parameters, message, parameters
from localq.web.flower.workers import known_worker
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["abort", "rate_limit", "revoke", "timeout"]


async def revoke(site: Site, request: Request) -> Response:
    """Revoke a task."""
    asked = await parameters(request)
    terminate, signal = asked.flag("terminate"), asked.text("signal")
    try:
        signal_number(signal)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    job = await _unfinished(site, request)
    hand = hand_of(request)
    await site.desk.act(lambda app: cancel(app, hand, [job.id], terminate=terminate, signal=signal))
    return message(f"Revoked '{job.id}'")


async def abort(site: Site, request: Request) -> Response:
    """Ask a task to stop."""
    job = await _unfinished(site, request)
    hand = hand_of(request)
    await site.desk.act(lambda app: ask_to_stop(app, hand, job.id))
    return message(f"Aborted '{job.id}'")


async def _unfinished(site: Site, request: Request) -> Job:
    name = request.path_params["id"]
    job = (await site.desk.ask(lambda store: store.read.get([name]))).get(name)
    if job is None:
        raise BadRequest(f"Unknown task '{name[:200]}'", 404)
    if JobState(job.state).final:
        raise BadRequest(f"Task '{name[:200]}' has finished", 409)
    return job


async def rate_limit(site: Site, request: Request) -> Response:
    """Set a task's rate limit, for all workers."""
    asked, name = await _of_known(site, request)
    rate = asked.needed("ratelimit")
    hand = hand_of(request)
    try:
        await site.desk.act(lambda app: limit_rate(app, hand, name, rate))
    except ValueError as error:
        raise BadRequest(f"Failed to set rate limit: '{error}'", 403) from None
    return message("new rate limit set successfully")


async def timeout(site: Site, request: Request) -> Response:
    """Set a task's time limits, for all workers."""
    asked, name = await _of_known(site, request)
    soft, hard = asked.seconds("soft"), asked.seconds("hard")
    if min(soft or 0, hard or 0) < 0:
        raise BadRequest("Time limits are seconds, 0 or more.")
    hand = hand_of(request)
    await site.desk.act(lambda app: limit_time(app, hand, name, soft, hard))
    return message("time limits set successfully")


async def _of_known(site: Site, request: Request) -> tuple[Parameters, str]:
    """Return the parameters of a call about a task and one of its workers, both known."""
    asked, name = await parameters(request), request.path_params["name"]
    worker = asked.needed("workername")
    if site.desk.app.tasks.find(name) is None:
        raise BadRequest(f"Unknown task '{name[:200]}'", 404)
    await known_worker(site, worker)
    return asked, name
