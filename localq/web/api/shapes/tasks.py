"""Tasks: how they fare, and what holds for them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from localq.web.api.shapes.common import Window
from localq.web.api.shapes.jobs import JobLine
from localq.web.api.shapes.whole import Figures

__all__ = ["Bar", "ErrorGroup", "Limits", "Parameter", "TaskDetail", "TaskNames", "TaskStep"]


class TaskNames(Struct):
    """The names of tasks: those of the program, of its workers, and those that wait."""

    tasks: list[str]


class ErrorGroup(Struct):
    """Errors that are the same but for numbers, ids and quoted text; `newest` is the last such job's id."""

    text: str
    jobs: int
    newest: str
    newest_at: datetime
    example: str


class Limits(Struct):
    """What holds for a task's jobs, in seconds; null: nothing. `ordered` are those set for all workers by hand."""

    rate: str | None
    soft_s: float | None
    hard_s: float | None
    max_retries: int | None
    ordered: list[str]


class Parameter(Struct):
    """What a task takes: one value, many (`*args`) or names (`**kwargs`)."""

    name: str
    kind: Literal["one", "many", "names"]
    required: bool
    hint: str


class Bar(Struct):
    """How many jobs ran at least so long, and less than that."""

    from_s: float
    to_s: float
    jobs: int


class TaskStep(Struct):
    """What a step of the window comes to."""

    at: datetime
    figures: Figures


class TaskDetail(Struct):
    """A task. `during` is what finished in the window, `before` in the one before it.

    `errors` are those of the newest `failed_examined` failed jobs, `slowest` are of the newest `examined` jobs that
    are over; where those are few, because the search stopped at what was added then, `looked_back_to` says when.
    `parameters` is null where the program of the dashboard does not know the task; `workers` are those alive that do.
    """

    name: str
    window: Window
    waiting: int
    running: int
    revoked: int
    workers: list[str]
    during: Figures
    before: Figures
    steps: list[TaskStep]
    runs: list[Bar]
    errors: list[ErrorGroup]
    failed_examined: int
    slowest: list[JobLine]
    examined: int
    looked_back_to: datetime | None
    newest: list[JobLine]
    limits: Limits
    parameters: list[Parameter] | None
