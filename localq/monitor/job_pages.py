"""Find jobs a page at a time, never for longer than somebody waits: what is not found yet is found from the cursor."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from localq.model.job import Job
from localq.monitor.jobs import Wanted
from localq.monitor.shown_call import hides
from localq.serialization.sealing import SealSettings
from localq.store.protocol import LOOK, Filter, Page, Reading

__all__ = ["at_once", "open_to_all", "page_of", "stored_text"]

#: How far clocks may have been set back while jobs were added: their order is that of adding, not of time.
_SET_BACK_US = 60_000_000
#: Jobs that a text is looked for in at a time: arguments and errors are read for it.
_LOOK_IN = LOOK // 4


class _Look(NamedTuple):
    """What one part of a search found: how far it came, 0 where it saw all, and when the last it saw was added."""

    jobs: list[Job]
    end: int
    back_to: int | None


def at_once() -> bool:
    """Be content with the first look."""
    return True


def page_of(
    read: Reading,
    which: Wanted,
    limit: int,
    enough: Callable[[], bool] = at_once,
    keep: Callable[[Sequence[Job]], list[Job]] = list,
) -> Page:
    """Return a page of jobs, newest first; see `Page`: a short one says how far back was looked, and where to go on.

    Args:
        enough: Asked after each look whether to stop though the page is not full; there is always one.
        keep: Drops those of the jobs found that are not meant after all.
    """
    parts = [_looked(read, among, which, limit + 1, enough, keep) for among in which.among]
    end = max((part.end for part in parts), default=0)
    unique = {job.key: job for part in parts for job in part.jobs if job.key >= end}
    jobs = [unique[key] for key in sorted(unique, reverse=True)]
    if len(jobs) > limit:
        last = jobs[limit - 1]
        return Page(jobs[:limit], last.key, last.created_at)
    if not end:
        return Page(jobs, None, None)
    return Page(jobs, end, next(part.back_to for part in parts if part.end == end))


def _looked(
    read: Reading,
    among: Filter,
    which: Wanted,
    limit: int,
    enough: Callable[[], bool],
    keep: Callable[[Sequence[Job]], list[Job]],
) -> _Look:
    since, until = among.added
    if until is not None:
        among = among._replace(before=_start(read, among.before, until + _SET_BACK_US))
    found: list[Job] = []
    while True:
        page = read.find(among, limit - len(found), LOOK if among.text is None else _LOOK_IN)
        found += keep([job for job in page.jobs if which.fits(job)])
        back_to = page.looked_back_to
        past = since is not None and back_to is not None and back_to < since - _SET_BACK_US
        if page.cursor is None or past:
            return _Look(found, 0, None)
        if len(found) >= limit or enough():
            return _Look(found, page.cursor, back_to)
        among = among._replace(before=page.cursor)


def _start(read: Reading, before: int | None, until: int) -> int | None:
    """Return a cursor before which all jobs stand that were added before a time, and few that were added later."""
    newest = read.find(Filter(before=before), 1).jobs
    if not newest or newest[0].created_at < until:
        return before
    low, high = 0, newest[0].key
    # It need not be the very one: a search looks at more jobs at a time than stand between.
    while high - low > LOOK // 4:
        middle = (low + high + 1) // 2
        at = read.find(Filter(before=middle), 1).jobs
        if at and at[0].created_at >= until:
            high = at[0].key
        else:
            low = middle
    return high + 1


def stored_text(text: str) -> str:
    """Return a text as it lies in arguments and errors, which are JSON in ASCII."""
    return json.dumps(text)[1:-1]


def open_to_all(read: Reading, conf: SealSettings, text: str | None) -> Callable[[Sequence[Job]], list[Job]]:
    """Return what drops jobs that were found by a text that nobody is shown: what a call hides, no search tells."""
    if not text:
        return list
    sought = stored_text(text)

    def keep(jobs: Sequence[Job]) -> list[Job]:
        called = read.get([job.id for job in jobs], args=True)
        hidden = [job.id for job in jobs if hides(called.get(job.id, job), conf, sought)]
        ends = read.seen(hidden)
        failures = {one: last.failure or b"" for one, (_, last, _) in ends.items() if last is not None}
        left = {one for one in hidden if sought.encode() not in failures.get(one, b"")}
        return [job for job in jobs if job.id not in left]

    return keep
