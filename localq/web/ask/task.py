"""One task: how long it runs and waits, how it fails, its slowest and newest jobs, and how it is called."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.model.audit import ChangeRow
from localq.model.job import Job, JobState
from localq.model.orders import LIMITS, RATE
from localq.model.tally import Tally
from localq.monitor.error_groups import ErrorGroup, grouped
from localq.monitor.job_pages import page_of
from localq.monitor.jobs import Wanted, errors_of
from localq.store.protocol import Filter, Page, Store
from localq.tasks.task import Task
from localq.web.ask.listing import Line, lines_of
from localq.web.ask.names import Waiting
from localq.web.ask.overview import Past
from localq.web.ask.series import Figures, Window, figures
from localq.web.ask.tasks import TaskSeen, tasks_seen
from localq.web.ask.usual import Usual

__all__ = ["Limits", "Parameter", "Spans", "TaskPage", "parameters_of", "task_page"]

#: Jobs that are looked at for the slowest, failed ones that are told apart, and lines that are shown of each.
_LOOKED_AT, _FAILED, _LINES = 200, 200, 8
_OVER = tuple(state for state in JobState if state.final)
#: Seconds that jobs are looked for, for each of the lists.
_PATIENCE_S = 0.02


class Spans(NamedTuple):
    """How long jobs ran, and waited, in a step of time; None where none did."""

    at: int
    figures: Figures


class Limits(NamedTuple):
    """What holds for a task's jobs; None: nothing. `ordered` are those that somebody ordered for all workers."""

    rate: str | None
    soft: float | None
    hard: float | None
    max_retries: int | None
    ordered: tuple[str, ...]


class Parameter(NamedTuple):
    """What a task takes. `kind` is one, many or names; `hint` says what it is by default, or of which type."""

    name: str
    kind: str
    required: bool
    hint: str
    is_text: bool


class TaskPage(NamedTuple):
    """A task with all that is known of it; `examined` jobs that are over were looked at for the slowest of them.

    `looked_back_to`: they are not as many as there may be, for the search stopped at what was added then.

    What finished before `counted_from` is not counted yet; None: all of the window is.
    """

    task: TaskSeen
    before: Figures
    counted_from: int | None
    spans: list[Spans]
    runs: Mapping[int, int]
    waiting: dict[str, int]
    errors: list[ErrorGroup]
    failed_examined: int
    newest: list[Line]
    slowest: list[Line]
    examined: int
    looked_back_to: int | None
    limits: Limits
    parameters: list[Parameter] | None
    signature: str
    about: str
    changes: list[ChangeRow]


def task_page(
    app: LocalQ, store: Store, past: Past, window: Window, name: str, now: int, counted: Waiting
) -> TaskPage | None:
    """Return what is known of a task; None where nobody knows of one, and no job is of it."""
    tallies, whole_from = past.tallies(store, window, now, before=True)
    both = [one for one in tallies if one.task == name]
    split = now - window.length_us
    during = [one for one in both if one.at >= split]
    seen = next(iter(tasks_seen(app, store, during, counted, only=name)), None)
    recent = _newest(store, Filter(tasks=(name,)), _LINES).jobs
    if seen is None and not recent:
        return None
    failed = _newest(store, Filter(tasks=(name,), states=(JobState.FAILED,)), _FAILED).jobs
    over, usual = _newest(store, Filter(tasks=(name,), states=_OVER), _LOOKED_AT), past.usual(store, now)
    said = errors_of(store.read, failed)
    task = app.tasks.find(name)
    return TaskPage(
        task=seen or TaskSeen(name, figures(during), 0, 0, 0, False, ()),
        before=figures(one for one in both if one.at < split and whole_from <= split - window.length_us),
        counted_from=None if whole_from <= split else whole_from,
        spans=_spans(during, split, now, window.step_us),
        runs=_added(during),
        waiting={queue: count for (queue, of), count in counted.counts.items() if of == name},
        errors=grouped((one.id, one.finished_at or 0, said[one.id]) for one in failed if one.id in said),
        failed_examined=len(failed),
        newest=lines_of(app, store, recent, usual),
        slowest=_slowest(app, store, over.jobs, usual),
        examined=len(over.jobs),
        looked_back_to=over.looked_back_to if len(over.jobs) < _LOOKED_AT else None,
        limits=_limits(app, store, name, task),
        parameters=None if task is None else parameters_of(task.run),
        signature="" if task is None else _signature(task),
        about="" if task is None else (inspect.getdoc(task) or "").partition("\n\n")[0],
        changes=store.history.changes(10, target=f"task {name}"),
    )


def _newest(store: Store, which: Filter, limit: int) -> Page:
    until = monotonic() + _PATIENCE_S
    return page_of(store.read, Wanted((which,), lambda job: True), limit, lambda: monotonic() >= until)


def _spans(tallies: Sequence[Tally], begin: int, end: int, step_us: int) -> list[Spans]:
    found: dict[int, list[Tally]] = {}
    for one in tallies:
        found.setdefault(one.at, []).append(one)
    first = begin // step_us * step_us
    return [Spans(at, figures(found.get(at, ()))) for at in range(first, end + 1, step_us)]


def _added(tallies: Sequence[Tally]) -> Counter[int]:
    runs: Counter[int] = Counter()
    for one in tallies:
        runs.update(one.runs)
    return runs


def _slowest(app: LocalQ, store: Store, jobs: Sequence[Job], usual: Usual) -> list[Line]:
    took: dict[str, int] = {}
    for job_id, (job, last, _) in store.read.seen([one.id for one in jobs if one.attempts]).items():
        if last is not None and last.started_at is not None and job.state != JobState.RUNNING:
            took[job_id] = last.ended_at - last.started_at
    longest = sorted((one for one in jobs if one.id in took), key=lambda one: -took[one.id])
    return lines_of(app, store, longest[:_LINES], usual)


def _limits(app: LocalQ, store: Store, name: str, task: Task[..., Any] | None) -> Limits:
    orders = {order.kind: order.value for order in store.mail.orders() if order.name == name}
    rate = orders.get(RATE) or (None if task is None else task.rate_limit)
    rate = app.conf.task_default_rate_limit if rate is None else rate
    soft = app.conf.task_soft_time_limit if task is None or task.soft_time_limit is None else task.soft_time_limit
    hard = app.conf.task_time_limit if task is None or task.time_limit is None else task.time_limit
    if orders.get(LIMITS):
        soft, hard = json.loads(orders[LIMITS] or "[null, null]")
    ordered = tuple(kind for kind in (RATE, LIMITS) if orders.get(kind))
    retries = None if task is None else task.max_retries
    return Limits(None if rate in (None, 0, "0") else str(rate), soft or None, hard or None, retries, ordered)


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return what a function takes; what Python cannot tell are any number of arguments."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [Parameter("args", "many", False, "", False), Parameter("kwargs", "names", False, "", False)]
    return [_parameter(one) for one in known]


def _parameter(one: inspect.Parameter) -> Parameter:
    kind = "many" if one.kind == one.VAR_POSITIONAL else "names" if one.kind == one.VAR_KEYWORD else "one"
    is_text = one.annotation in (str, "str")
    if one.default is not one.empty:
        return Parameter(one.name, kind, False, f"= {_brief(one.default)}", is_text)
    hint = "" if one.annotation is one.empty else inspect.formatannotation(one.annotation)
    return Parameter(one.name, kind, kind == "one", _brief(hint.strip("'"), plain=True), is_text)


def _brief(value: Any, *, plain: bool = False) -> str:
    try:
        text = value if plain else repr(value)
    except Exception:
        text = "?"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _signature(task: Task[..., Any]) -> str:
    try:
        return str(inspect.signature(task.run))
    except (TypeError, ValueError):
        return ""
