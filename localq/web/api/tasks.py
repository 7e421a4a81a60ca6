"""The API's questions about tasks, and their calls."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from localq.store.protocol import Store
from localq.web.act.calls import call_task
from localq.web.api import schemas, told
from localq.web.ask.series import WINDOWS
from localq.web.ask.task import TaskPage, task_page
from localq.web.forms import BadRequest
from localq.web.pages.form_door import hand_of
from localq.web.site import Site

__all__ = ["call", "task", "tasks"]


async def task(site: Site, request: Request, asked: schemas.WindowAsked) -> schemas.TaskDetail:
    """Tell how a task fares: how long it runs and waits, its errors in groups, its slowest and newest jobs."""
    name, window, now = request.path_params["name"], WINDOWS[asked.window], site.desk.now()

    def found(store: Store) -> TaskPage | None:
        return task_page(site.desk.app, store, site.past, window, name, now, site.names.waiting(store))

    seen = await site.desk.ask(found)
    if seen is None:
        raise BadRequest(f"Nobody knows a task {name[:100]!r}, and no job is of it.", 404)
    return told.task(seen, asked.window)


async def tasks(site: Site, request: Request, asked: schemas.Nothing) -> schemas.TaskNames:
    """List the names of tasks."""
    known = await site.desk.ask(lambda store: site.names.known(site.desk.app, store))
    return schemas.TaskNames(known.tasks)


async def call(site: Site, request: Request, said: schemas.Call) -> schemas.Called:
    """Call a task, which need not be known here."""
    name, hand = request.path_params["name"], hand_of(request)
    options: dict[str, Any] = {
        field: value
        for field, value in msgspec.structs.asdict(said).items()
        if field not in ("args", "kwargs") and value is not None
    }
    job_id = await site.desk.act(lambda app: call_task(app, hand, name, said.args, said.kwargs, options))
    return schemas.Called(job_id)
