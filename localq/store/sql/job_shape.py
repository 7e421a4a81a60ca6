"""What of a filter the text of its statements depends on, and what they are."""

from __future__ import annotations

from typing import NamedTuple

from localq.model.job import JobState
from localq.store.protocol.reading import Filter
from localq.store.sql.statement import Statement

__all__ = ["Looker", "Shape", "shape_of"]


class Shape(NamedTuple):
    """What of a filter stands in the text of its statements: which parts it has, and how many names; not their values.

    States are few, and the indexes hang on them: they are told as they are.
    """

    states: tuple[JobState, ...] | None
    tasks: int | None
    queues: int | None
    shown: bool
    before: bool
    since: bool
    until: bool
    worker: bool
    text: bool


def shape_of(which: Filter) -> Shape:
    """Return the shape of a filter."""
    return Shape(
        states=which.states,
        tasks=None if which.tasks is None else len(which.tasks),
        queues=None if which.queues is None else len(which.queues),
        shown=which.shown is not None,
        before=which.before is not None,
        since=which.added[0] is not None,
        until=which.added[1] is not None,
        worker=which.worker is not None,
        text=which.text is not None,
    )


class Looker(NamedTuple):
    """The statements that find some of a filter's jobs, in one index; `newest` None: they never look far."""

    query: Statement
    newest: Statement | None
