"""The list of jobs: which are asked for, and what a line says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from localq import states
from localq.app import LocalQ
from localq.model.clock import from_datetime
from localq.model.job import Job, JobState
from localq.monitor.job_pages import open_to_all, page_of, stored_text
from localq.monitor.jobs import Wanted, errors_of, wanted
from localq.monitor.shown_call import shown_call
from localq.store.protocol import Store
from localq.web.ask.usual import UNKNOWN, Usual
from localq.web.sentence import Unmeant

__all__ = [
    "WITHIN",
    "Asked",
    "Line",
    "Listing",
    "asked_in",
    "lines_of",
    "listing",
    "meant",
    "time_of",
    "whole_number",
]

#: Lines of a page, if nothing else is said, and at most.
LINES, MOST_LINES = 50, 200
#: Seconds that jobs are looked for.
PATIENCE_S = 0.05
#: Stretches of time up to now that jobs were added in, and how long each is, in microseconds.
WITHIN = {"1h": 3_600_000_000, "24h": 24 * 3_600_000_000, "7d": 7 * 24 * 3_600_000_000}


class Asked(NamedTuple):
    """Which jobs somebody wants to see; empty: any. `before` is the cursor to go on from.

    `within` is of `WITHIN`; `since` and `until` are times as they were written. `text` stands in arguments or errors.
    """

    states: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    worker: str = ""
    text: str = ""
    within: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    lines: int = LINES

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for beside all."""
        return self._replace(before=None, lines=LINES) != Asked()

    def fields(self) -> list[tuple[str, str]]:
        """Return what `asked_in` reads, without where the page begins."""
        found = [("state", one) for one in self.states]
        found += [("task", one) for one in self.tasks]
        found += [("queue", one) for one in self.queues]
        return found + [(name, getattr(self, name)) for name in _SINGLE if getattr(self, name)]

    def added(self, now: int) -> tuple[int | None, int | None]:
        """Return the times between which the jobs were added.

        Raises:
            QueryError: a time is none.
        """
        since = time_of("since", self.since)
        if self.within:
            since = max(now - WITHIN[self.within], since or 0)
        return since, time_of("until", self.until)


#: Fields that a query has once.
_SINGLE = ("worker", "text", "within", "since", "until")


class Line(NamedTuple):
    """One job in a list. Times are microseconds since 1970, `ran_s` is how long its last run took.

    `usual_s` is within what half of its task's jobs ran lately, `others_s` what others took at most, where it took far
    longer than they; None: nobody knows, or it did not.
    """

    job: Job
    state: str
    call: str
    error: str
    ran_s: float | None
    usual_s: float | None
    others_s: float | None


class Listing(NamedTuple):
    """Lines, newest first; `cursor` is where the next page begins, None where there is none.

    `looked_back_to`: the page is not full, for the search stopped at what was added then, and goes on at the cursor.
    """

    lines: list[Line]
    cursor: int | None
    looked_back_to: int | None = None


def asked_in(fields: Mapping[str, Sequence[str]]) -> Asked:
    """Return what a query asks for.

    Raises:
        QueryError: a number or a time is none.
    """

    def texts(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text.strip() for text in fields.get(name, ()) if text.strip()))

    def number(name: str) -> int | None:
        return whole_number(name, next(iter(texts(name)), ""))

    single = {name: next(iter(texts(name)), "") for name in _SINGLE}
    if single["within"] and single["within"] not in WITHIN:
        raise Unmeant(
            "{field} must be one of {choices}.", field=f"within={single['within'][:40]!r}", choices=", ".join(WITHIN)
        )
    for name in ("since", "until"):
        time_of(name, single[name])
    lines = min(max(number("lines") or LINES, 1), MOST_LINES)
    return Asked(texts("state"), texts("task"), texts("queue"), **single, before=number("before"), lines=lines)


def whole_number(name: str, text: str) -> int | None:
    """Return the number that a field of a query has; None where it is empty.

    Raises:
        QueryError: it is none.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Unmeant("{field} must be a whole number.", field=f"{name}={text[:40]!r}")
    return int(text)


def time_of(name: str, text: str) -> int | None:
    """Return a time in microseconds, in this computer's zone where it names none; None where the text is empty.

    Raises:
        QueryError: it is no time.
    """
    if not text:
        return None
    try:
        return from_datetime(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError, OSError):
        raise Unmeant("{field} must be a time such as 2026-11-30T14:02.", field=f"{name}={text[:40]!r}") from None


def listing(app: LocalQ, store: Store, asked: Asked, patience_s: float = PATIENCE_S, usual: Usual = UNKNOWN) -> Listing:
    """Return a page of jobs.

    Args:
        patience_s: How long jobs are looked for; a page that is not full by then says how far it looked.

    Raises:
        QueryError: there is no such state; the nearest is named.
    """
    which = meant(store, asked, app.clock.now())
    until = monotonic() + patience_s
    keep = open_to_all(store.read, app.conf, asked.text)
    page = page_of(store.read, which, asked.lines, lambda: monotonic() >= until, keep)
    stopped = page.cursor is not None and len(page.jobs) < asked.lines
    return Listing(lines_of(app, store, page.jobs, usual), page.cursor, page.looked_back_to if stopped else None)


def meant(store: Store, asked: Asked, now: int) -> Wanted:
    """Return which jobs are asked for.

    Raises:
        QueryError: there is no such state; the nearest is named.
    """
    return wanted(
        store.read,
        asked.states,
        tasks=asked.tasks,
        queues=asked.queues,
        before=asked.before,
        added=asked.added(now),
        worker=asked.worker,
        text=stored_text(asked.text),
    )


def lines_of(app: LocalQ, store: Store, jobs: Sequence[Job], usual: Usual = UNKNOWN) -> list[Line]:
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
            usual.half(job.task),
            usual.far_beyond(job.task, took.get(job.id, 0.0)),
        )
        for job in jobs
    ]


def _took(store: Store, ids: Sequence[str]) -> dict[str, float]:
    took = {}
    for job_id, (job, last, _) in store.read.seen(ids).items():
        if last is not None and last.started_at is not None and job.state != JobState.RUNNING:
            took[job_id] = (last.ended_at - last.started_at) / 1e6
    return took
