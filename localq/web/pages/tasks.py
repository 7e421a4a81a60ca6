"""The tasks, one task, and the form that calls it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.app import LocalQ
from localq.exceptions import QueryError
from localq.model.clock import to_datetime
from localq.store.protocol import Store
from localq.web import words
from localq.web.act.change import Hand
from localq.web.act.edited import call_task
from localq.web.act.form_call import FIELD, read_call
from localq.web.ask.names import Waiting
from localq.web.ask.series import WINDOWS, Window
from localq.web.ask.task import TaskPage, parameters_of, task_page
from localq.web.ask.tasks import TasksPage, tasks_page
from localq.web.draw.histogram import bars, histogram
from localq.web.draw.lines import chart
from localq.web.forms import Form
from localq.web.gate.access import Refused
from localq.web.pages.form_door import changing
from localq.web.pages.reasons import error_text
from localq.web.pages.refused import refused_page
from localq.web.rendering import language_of
from localq.web.site import Site, go_to

__all__ = ["call", "task", "tasks"]


async def tasks(site: Site, request: Request) -> Response:
    """List the tasks."""
    window, now = _window(request, "24h"), site.desk.now()
    found, counted = await site.desk.ask(lambda store: _all(site, store, window, now))
    values = {**found._asdict(), "whole": counted.whole, "window": window, "windows": list(WINDOWS)}
    return site.render.page(request, "tasks.html", values)


def _all(site: Site, store: Store, window: Window, now: int) -> tuple[TasksPage, Waiting]:
    counted = site.names.waiting(store)
    return tasks_page(site.desk.app, store, site.past, window, now, counted), counted


def _window(request: Request, usual: str) -> Window:
    return WINDOWS.get(request.query_params.get("window", usual), WINDOWS[usual])


async def task(site: Site, request: Request) -> Response:
    """Show a task."""
    return await _shown(site, request, {}, "")


async def _shown(site: Site, request: Request, typed: Mapping[str, str], error: str) -> Response:
    name = request.path_params["name"]
    window, now = _window(request, "24h"), site.desk.now()
    seen, counted = await site.desk.ask(lambda store: _one(site, store, window, name, now))
    if seen is None:
        return refused_page(
            site,
            request,
            Refused(404, "Nobody knows a task {name}, and no job is of it.", values={"name": repr(name[:100])}),
        )
    values = {
        **_drawn(request, seen, window),
        "seen": seen,
        "whole": counted.whole,
        "window": window,
        "windows": list(WINDOWS),
        "typed": typed,
        "field": FIELD,
        "error": error,
    }
    return site.render.page(request, "task.html", values, status=400 if error else 200)


def _one(site: Site, store: Store, window: Window, name: str, now: int) -> tuple[TaskPage | None, Waiting]:
    counted = site.names.waiting(store)
    return task_page(site.desk.app, store, site.past, window, name, now, counted), counted


def _drawn(request: Request, seen: TaskPage, window: Window) -> dict[str, Any]:
    say = language_of(request)

    def span(seconds: float) -> str:
        return words.span_text(seconds, say)

    form = "%H:%M" if window.name != "7d" else "%m-%d %H:%M"
    lines: tuple[tuple[str, list[float | None]], ...] = (
        ("p99", [one.figures.run_p99 for one in seen.spans]),
        ("p95", [one.figures.run_p95 for one in seen.spans]),
        ("p50", [one.figures.run_p50 for one in seen.spans]),
    )
    waits: list[float | None] = [one.figures.wait_p95 for one in seen.spans]
    times = [one.at for one in seen.spans]

    def clock(at: int) -> str:
        return to_datetime(at).astimezone().strftime(form)

    return {
        "run_chart": chart(times, lines, clock, say("How long it ran"), span, _tips(seen, clock, span)),
        "wait_chart": chart(times, (("p95", waits),), clock, say("How long it waited, 95 %"), span),
        "histogram": histogram(seen.runs, span, say("How many ran how long")),
        "bars": bars(seen.runs),
        "clock": clock,
    }


def _tips(seen: TaskPage, clock: Callable[[int], str], span: Callable[[float], str]) -> list[str]:
    return [
        ""
        if None in (one.figures.run_p50, one.figures.run_p95, one.figures.run_p99)
        else f"{clock(one.at)}: 50 % {span(one.figures.run_p50 or 0)}, 95 % {span(one.figures.run_p95 or 0)}, "
        f"99 % {span(one.figures.run_p99 or 0)}"
        for one in seen.spans
    ]


async def call(site: Site, request: Request) -> Response:
    """Call a task as the form says, and go on to the page of its job; or show the form again with what is wrong."""
    name = request.path_params["name"]
    hand, form = await changing(site, request)
    try:
        new = await site.desk.act(lambda app: _called(app, hand, name, form))
    except QueryError as error:
        return await _shown(
            site, request, {one: form.get(one) for one in form.names}, error_text(error, language_of(request))
        )
    return go_to(request, f"jobs/{quote(new, safe='')}")


def _called(app: LocalQ, hand: Hand, name: str, form: Form) -> str:
    hand.check()
    known = app.tasks.find(name)
    if known is None:
        return call_task(app, hand, name, "", "", {})
    said = read_call(form.get, parameters_of(known.run), _by_place(known.run))
    return call_task(app, hand, name, *said)


def _by_place(function: Callable[..., Any]) -> list[str]:
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one.name for one in known if one.kind == one.POSITIONAL_ONLY]
