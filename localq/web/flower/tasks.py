"""Flower's questions about tasks."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlencode

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localq import states
from localq.app import LocalQ
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.monitor.jobs import STATES
from localq.store.protocol import Filter, Store
from localq.web.ask.starts import Starts
from localq.web.flower.asked import Parameters, as_json, parameters, time_of
from localq.web.flower.search import BadSearch, search
from localq.web.flower.task_order import SORTS, most_sorted, sorted_jobs
from localq.web.flower.task_shape import result_of, task_shape, task_shapes
from localq.web.forms import BadRequest
from localq.web.site import Site

__all__ = ["info", "lengths", "result", "result_within", "tasks", "types"]

#: Tasks of an answer if nothing else is said, and at most.
_USUAL, _MOST = 1000, 10_000
#: Jobs that are looked at for an answer at most.
_LOOKED = 100_000
#: Jobs that are compared with a search at a time, and seconds for which it goes on: `Link` leads to the rest.
_SEARCHED, _PATIENCE_S = 200, 0.05
#: Seconds that a result is waited for at most, and between two looks.
_LONGEST_S, _SHORT_S, _LONG_S = 300.0, 0.02, 0.25
_CHILDREN = 1000


class _Wanted(NamedTuple):
    which: Filter
    state: str | None
    fits: Callable[[dict[str, Any]], bool] | None
    limit: int
    offset: int
    sort: str | None


async def tasks(site: Site, request: Request) -> Response:
    """List tasks, newest first; where there are more, `Link` names the next page."""
    asked = await parameters(request)
    text = asked.text("search")
    try:
        fits = None if not text else search(text)
    except BadSearch as error:
        return JSONResponse({"error": str(error)}, 400)
    before = asked.whole("before")
    found, cursor = await site.desk.ask(
        lambda store: _found(site.desk.app, store, site.starts, _wanted(store, asked, fits, before))
    )
    answer = as_json({one["uuid"]: one for one in found})
    if cursor is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("before", "offset")]
        answer.headers["Link"] = f'<?{urlencode([*kept, ("before", cursor)])}>; rel="next"'
    return answer


def _wanted(
    store: Store, asked: Parameters, fits: Callable[[dict[str, Any]], bool] | None, before: int | None
) -> _Wanted:
    limit, offset, sort = asked.whole("limit", _USUAL), asked.whole("offset", 0), asked.text("sort_by")
    assert limit is not None
    if sort is not None and sort.removeprefix("-") not in SORTS:
        raise BadRequest(f"Invalid sort_by '{sort[:100]}', expected one of {', '.join(SORTS)}")
    state, task, worker = (_named(asked.text(name)) for name in ("state", "taskname", "workername"))
    if state is not None and state.upper() in STATES:
        state = state.upper()
    own = STATES.get(state or "")
    which = Filter(
        states=own,
        tasks=None if task is None else (_in_any_case(task, (name for _, name in store.read.waiting_tasks())),),
        shown=None if state is None or own is not None else state,
        before=before,
        added=_added(asked),
        worker=None if worker is None else _in_any_case(worker, (row.card.name for row in store.workers.all())),
    )
    return _Wanted(which, state, fits, min(limit, _MOST), max(offset or 0, 0), sort)


def _named(text: str | None) -> str | None:
    return None if text in (None, "", "All") else text


def _in_any_case(text: str, known: Any) -> str:
    """Return the known name that a text is but for its case; the text where it is none."""
    names = set(known)
    if text in names:
        return text
    return next((name for name in sorted(names) if name.casefold() == text.casefold()), text)


def _added(asked: Parameters) -> tuple[int | None, int | None]:
    found: list[int | None] = []
    for name in ("received_start", "received_end"):
        text = asked.text(name)
        try:
            found.append(None if text is None else time_of(text, datetime.astimezone))
        except (ValueError, OverflowError):
            raise BadRequest("Invalid received_start or received_end, expected format 'YYYY-MM-DD HH:MM'") from None
    return found[0], found[1]


def _found(app: LocalQ, store: Store, starts: Starts, wanted: _Wanted) -> tuple[list[dict[str, Any]], int | None]:
    """Return the tasks of an answer, and where to go on if there may be more."""
    if wanted.limit <= 0:
        return [], None
    enough = wanted.offset + wanted.limit if wanted.sort is None else most_sorted(wanted.sort)
    which, looked, cursor = wanted.which, 0, None
    found: list[Job] = []
    until = monotonic() + _PATIENCE_S if wanted.fits else math.inf
    while len(found) < enough and looked < _LOOKED and (not looked or monotonic() < until):
        page = store.read.find(which, _SEARCHED if wanted.fits else min(enough - len(found), 2000))
        jobs = [job for job in page.jobs if wanted.state is None or states.public_state(job) == wanted.state]
        found += _fitting(app, store, starts, jobs, wanted.fits)
        looked += 10_000 if len(page.jobs) < _SEARCHED else _SEARCHED
        cursor = page.cursor
        if cursor is None:
            break
        which = which._replace(before=cursor)
    if wanted.sort:
        found, cursor = sorted_jobs(store, starts, found, wanted.sort), None
    shown = found[wanted.offset : wanted.offset + wanted.limit]
    if not wanted.sort and len(found) > enough:
        cursor = shown[-1].key if shown else None
    # Only what is shown is told in full: what was passed over, or sorted further back, may be ten times as many.
    return task_shapes(app, store, starts, shown) if shown else [], cursor


def _fitting(
    app: LocalQ, store: Store, starts: Starts, jobs: list[Job], fits: Callable[[dict[str, Any]], bool] | None
) -> list[Job]:
    if fits is None or not jobs:
        return jobs
    told = task_shapes(app, store, starts, jobs)
    return [job for job, one in zip(jobs, told, strict=True) if fits(one)]


async def types(site: Site, request: Request) -> Response:
    """List the names of tasks: those of the program, of its workers, and those that wait."""

    def named(store: Store) -> list[str]:
        names = {task for _, task in store.read.waiting_tasks()} | set(site.desk.app.tasks)
        return sorted(names.union(*(row.card.tasks for row in store.workers.all())))

    return JSONResponse({"task-types": await site.desk.ask(named)})


async def info(site: Site, request: Request) -> Response:
    """Tell of one task."""
    name = request.path_params.get("id", "")
    found = await site.desk.ask(lambda store: _one(site.desk.app, store, site.starts, name))
    if found is None:
        raise BadRequest(f"Unknown task '{name[:200]}'", 404)
    return as_json(found)


def _one(app: LocalQ, store: Store, starts: Starts, name: str) -> dict[str, Any] | None:
    seen = store.read.seen([name]).get(name)
    if seen is None:
        return None
    called = store.read.get([name], args=True).get(name, seen.job)
    names = {row.key: row.card.name for row in store.workers.all()}
    began = starts.of([seen.job]).get(name) if seen.job.state == JobState.RUNNING else None
    return task_shape(app, seen.job, called, seen.attempt, names, _children(store, seen.job), began)


def _children(store: Store, job: Job) -> list[str]:
    """Return the ids of the jobs of its workflow that it has made."""
    family, _ = store.read.family(job.workflow or job.id, _CHILDREN)
    return [one.id for one in family if JobOptions.read(one.options).parent_id == job.id]


async def result(site: Site, request: Request) -> Response:
    """Tell how a task stands, and its result; waits for that where a `timeout` is given."""
    asked = await parameters(request)
    timeout = asked.seconds("timeout")
    return as_json(await result_within(site, request.path_params.get("id", ""), timeout or 0.0))


async def result_within(site: Site, job_id: str, timeout: float) -> dict[str, Any]:
    """Return how a task stands when it has finished, or after some seconds. No thread is held while it runs."""
    until = anyio.current_time() + min(max(timeout, 0.0), _LONGEST_S)
    pause = _SHORT_S
    while True:
        found = await site.desk.ask(lambda store: _result(site.desk.app, store, job_id))
        left = until - anyio.current_time()
        if "result" in found or left <= 0:
            return found
        await anyio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONG_S)


def _result(app: LocalQ, store: Store, job_id: str) -> dict[str, Any]:
    seen = store.read.seen([job_id]).get(job_id)
    if seen is None:
        return {"task-id": job_id, "state": states.PENDING}
    job, last, _ = seen
    told: dict[str, Any] = {"task-id": job_id, "state": states.public_state(job)}
    if not JobState(job.state).final:
        return told
    told["result"] = result_of(app, job, last)
    if job.state == JobState.FAILED:
        told["traceback"] = task_shape(app, job, job, last, {})["traceback"]
    return told


async def lengths(site: Site, request: Request) -> Response:
    """Tell how many jobs each queue has ready: of the queues that jobs wait in or live workers name, and the usual."""

    def counted(store: Store) -> list[dict[str, Any]]:
        stats = store.read.stats()
        names = {site.desk.app.conf.task_default_queue} | {queue for queue, _ in stats.counts}
        for row in store.workers.all():
            names.update(row.card.queues or ())
        return [{"name": name, "messages": stats.counts.get((name, JobState.READY), 0)} for name in sorted(names)]

    return JSONResponse({"active_queues": await site.desk.ask(counted)})
