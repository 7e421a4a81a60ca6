"""The list of jobs: which are asked for, and what a line says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from localq import states
from localq.app import LocalQ
from localq.exceptions import QueryError
from localq.model.job import Job, JobState
from localq.monitor.jobs import errors_of, jobs_in, wanted
from localq.monitor.shown_call import shown_call
from localq.store.protocol import Store

__all__ = ["Asked", "Line", "Listing", "asked_in", "lines_of", "listing", "whole_number"]

#: Lines of a page, if nothing else is said, and at most.
LINES, MOST_LINES = 50, 200


class Asked(NamedTuple):
    """Which jobs somebody wants to see; empty: any. `before` is the cursor to go on from."""

    states: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    before: int | None = None
    lines: int = LINES

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for beside all."""
        return bool(self.states or self.tasks or self.queues)


class Line(NamedTuple):
    """One job in a list. Times are microseconds since 1970, `ran_s` is how long its last run took."""

    job: Job
    state: str
    call: str
    error: str
    ran_s: float | None


class Listing(NamedTuple):
    """Lines, newest first; `cursor` is where the next page begins, None where there is none."""

    lines: list[Line]
    cursor: int | None


def asked_in(fields: Mapping[str, Sequence[str]]) -> Asked:
    """Return what a query asks for.

    Raises:
        QueryError: a number is none.
    """

    def texts(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text.strip() for text in fields.get(name, ()) if text.strip()))

    def number(name: str) -> int | None:
        return whole_number(name, next(iter(texts(name)), ""))

    lines = min(max(number("lines") or LINES, 1), MOST_LINES)
    return Asked(texts("state"), texts("task"), texts("queue"), number("before"), lines)


def whole_number(name: str, text: str) -> int | None:
    """Return the number that a field of a query has; None where it is empty.

    Raises:
        QueryError: it is none.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise QueryError(f"{name}={text[:40]!r} must be a whole number.")
    return int(text)


def listing(app: LocalQ, store: Store, asked: Asked) -> Listing:
    """Return a page of jobs.

    Raises:
        QueryError: there is no such state; the nearest is named.
    """
    which = wanted(store.read, asked.states, tasks=asked.tasks, queues=asked.queues, before=asked.before)
    found = list(islice(jobs_in(store.read, which), asked.lines + 1))
    shown = found[: asked.lines]
    return Listing(lines_of(app, store, shown), shown[-1].key if len(found) > asked.lines else None)


def lines_of(app: LocalQ, store: Store, jobs: Sequence[Job]) -> list[Line]:
    """Return what a list says of jobs."""
    ids = [job.id for job in jobs]
    calls, errors = store.read.get(ids, args=True), errors_of(store.read, jobs)
    took = _took(store, ids)
    return [
        Line(
            job,
            states.public_state(job),
            shown_call(calls.get(job.id, job), app.conf).line(),
            errors.get(job.id, ""),
            took.get(job.id),
        )
        for job in jobs
    ]


def _took(store: Store, ids: Sequence[str]) -> dict[str, float]:
    took = {}
    for job_id, (job, last, _) in store.read.seen(ids).items():
        if last is not None and last.started_at is not None and job.state != JobState.RUNNING:
            took[job_id] = (last.ended_at - last.started_at) / 1e6
    return took
