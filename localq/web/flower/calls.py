"""Flower's three ways to call a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localq.web.act.calls import BadCall, call_task
from localq.web.flower.asked import json_of, time_of
from localq.web.flower.tasks import result_within
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["apply", "async_apply", "send_task"]

#: Seconds that a call waits for its result where it names none.
_USUAL_S = 300.0
_CALL = ("args", "kwargs", "timeout")


async def apply(site: Site, request: Request) -> Response:
    """Call a task and wait for its result."""
    said = await json_of(request)
    timeout = said.get("timeout")
    try:
        seconds = _USUAL_S if timeout is None else float(timeout)
    except (TypeError, ValueError):
        raise BadRequest("Invalid timeout") from None
    job_id = await _called(site, request, said, known=True)
    return JSONResponse(await result_within(site, job_id, seconds))


async def async_apply(site: Site, request: Request) -> Response:
    """Call a task."""
    return await _sent(site, request, known=True)


async def send_task(site: Site, request: Request) -> Response:
    """Call a task that need not be known here."""
    return await _sent(site, request, known=False)


async def _sent(site: Site, request: Request, *, known: bool) -> Response:
    job_id = await _called(site, request, await json_of(request), known=known)
    found = await result_within(site, job_id, 0.0)
    return JSONResponse({"task-id": job_id, "state": found["state"]})


async def _called(site: Site, request: Request, said: dict[str, Any], *, known: bool) -> str:
    name = request.path_params["name"]
    if known and site.desk.app.tasks.find(name) is None:
        raise BadRequest(f"Unknown task '{name[:200]}'", 404)
    args, kwargs = said.get("args") or [], said.get("kwargs") or {}
    if not isinstance(args, list):
        raise BadRequest("args must be an array")
    if not isinstance(kwargs, dict):
        raise BadRequest("kwargs must be an object")
    options = _options({key: value for key, value in said.items() if key not in _CALL})
    hand = hand_of(request)
    try:
        return await site.desk.act(lambda app: call_task(app, hand, name, args, kwargs, options))
    except BadCall as error:
        raise BadRequest(str(error)) from None


def _options(said: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a call, times read as Flower and ISO 8601 write them."""
    for name in ("eta", "expires"):
        if isinstance(said.get(name), str):
            try:
                time_of(said[name], datetime.astimezone)
                said[name] = datetime.fromisoformat(said[name].replace(" ", "T", 1))
            except (ValueError, OverflowError):
                raise BadRequest("Invalid option") from None
    for name in ("countdown", "expires"):
        value = said.get(name)
        if isinstance(value, str | bool):
            raise BadRequest("Invalid option")
    return said
