"""Find jobs: by id, by the start or the end of an id, by what they are shown as."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from localq import states
from localq.exceptions import QueryError
from localq.model.clock import to_datetime
from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.result.job_view import JobView
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Reading, Seen

__all__ = [
    "ELLIPSIS",
    "SHORTEST_PREFIX",
    "STATES",
    "Wanted",
    "ending",
    "error_now",
    "errors_of",
    "job_called",
    "jobs_in",
    "short_ids",
    "unfinished_family",
    "wanted",
]

#: Characters of an id that may stand for the whole: the first ones, or the last.
SHORTEST_PREFIX = 6
#: Stands before the end of an id.
ELLIPSIS = "…"
#: Characters of an id that are shown where there is little room.
_SHORT = 8
#: Jobs told of where several are meant; the newest ones among which is looked for the end of an id.
_SHOWN_ALIKE, _LOOKED_AT, _AT_ONCE = 5, 50_000, 2_000
_WAITING = (JobState.WAITING, JobState.SCHEDULED, JobState.READY)
#: The names of states to look for, Celery's first, and where such jobs are.
STATES: dict[str, tuple[JobState, ...]] = {
    states.PENDING: _WAITING,
    states.STARTED: (JobState.RUNNING,),
    states.RETRY: _WAITING,
    states.SUCCESS: (JobState.SUCCEEDED,),
    states.FAILURE: (JobState.FAILED,),
    states.REVOKED: (JobState.CANCELLED,),
    **{state.name: (state,) for state in JobState},
}
#: States that tasks give themselves by LocalQ's or Celery's own words.
_SHOWN = ("PROGRESS", states.IGNORED, states.REJECTED, states.RECEIVED)


# One


def job_called(read: Reading, name: str, *, ends: bool = True) -> Job | None:
    """Return the job of an id, or the only one whose id starts or ends so; None if there is none.

    Args:
        name: The end of an id may have an ellipsis before it, as tables show it.
        ends: Whether to look for that: many jobs are read where there is none.

    Raises:
        QueryError: several ids start so, or end so.
    """
    exact = read.get([name]).get(name)
    end = name.removeprefix(ELLIPSIS)
    if exact is not None or len(end) < SHORTEST_PREFIX:
        return exact
    found, how = (read.starting(name, _SHOWN_ALIKE + 1), "start") if end == name else ([], "end")
    if not found and ends:
        found, how = ending(read, end), "end"
    if len(found) > 1:
        listed = "\n".join(map(_told, found[:_SHOWN_ALIKE])) + ("\n  ..." if found[_SHOWN_ALIKE:] else "")
        raise QueryError(f"Several ids {how} with {end!r}:\n{listed}")
    return found[0] if found else None


def ending(read: Reading, end: str) -> list[Job]:
    """Return some of the newest jobs whose ids end so: no store knows its jobs by that, they are gone through."""
    newest = islice(paged(read, Filter(), _AT_ONCE), _LOOKED_AT)
    return list(islice((job for job in newest if job.id.endswith(end)), _SHOWN_ALIKE + 1))


def _told(job: Job) -> str:
    added = to_datetime(job.created_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"  {job.id}  {job.task}  {states.public_state(job)}  {added}"


def short_ids(ids: Sequence[str]) -> list[str]:
    """Return the ends of ids, with an ellipsis before them, as long as tells these apart; a short id is left whole."""
    for length in range(_SHORT, max(map(len, ids), default=0)):
        short = [one if len(one) <= length + 1 else f"{ELLIPSIS}{one[-length:]}" for one in ids]
        if len(set(short)) == len(set(ids)):
            return short
    return list(ids)


# Many


class Wanted(NamedTuple):
    """Which jobs to look at, in one or several sets that may overlap, and which of them are meant."""

    among: tuple[Filter, ...]
    fits: Callable[[Job], bool]


def wanted(
    read: Reading,
    names: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    queues: Sequence[str] = (),
    before: int | None = None,
    added: tuple[int | None, int | None] = (None, None),
    worker: str | None = None,
    text: str | None = None,
) -> Wanted:
    """Return what names of states mean: those results show, those a store has, or what a task called itself.

    Args:
        added, worker, text: As of `Filter`.

    Raises:
        QueryError: no job can be, or now is, in a state of that name; the nearest is named.
    """
    base = Filter(
        tasks=tuple(tasks) or None,
        queues=tuple(queues) or None,
        before=before,
        added=added,
        worker=worker or None,
        text=text or None,
    )
    if not names:
        return Wanted((base,), lambda job: True)
    meant = [_state_name(read, name) for name in names]
    own = {JobState[name] for name in meant if name in JobState.__members__}
    shown = {name for name in meant if name not in JobState.__members__}
    where = {state for name in meant for state in STATES.get(name, ())}
    # A task may end under any public name (update_state, then Ignore), whatever state its job is in.
    among = [base._replace(shown=name) for name in sorted(shown)]
    if where:
        among.append(base._replace(states=tuple(sorted(where))))
    return Wanted(tuple(among), lambda job: job.state in own or states.public_state(job) in shown)


def _state_name(read: Reading, name: str) -> str:
    if name.upper() in STATES or name.upper() in _SHOWN:
        return name.upper()
    if read.find(Filter(shown=name), 1).jobs:
        return name
    close = nearest(name.upper(), [*STATES, *_SHOWN])
    raise QueryError(f"There is no state {name!r}, and no job shows it.{close} Known: {', '.join(STATES)}.")


def jobs_in(read: Reading, which: Wanted) -> Iterator[Job]:
    """Return jobs, newest first, reading as many as are asked for."""
    last = None
    for job in heapq.merge(*(paged(read, among) for among in which.among), key=lambda job: -job.key):
        if job.key != last and which.fits(job):
            yield job
        last = job.key


def error_now(seen: Seen) -> str | None:
    """Return the error a job has to show now, if any: not that of a run after which somebody put it back."""
    told = JobView(*seen).failure
    return None if told is None else f"{told.type}: {told.message}"


def errors_of(read: Reading, jobs: Sequence[Job]) -> dict[str, str]:
    """Return the first line of the error that each job has to show now, by its id."""
    # Results are not read along: they may be large.
    failed = [job.id for job in jobs if job.attempts and job.state not in (JobState.SUCCEEDED, JobState.RUNNING)]
    told = {job_id: error_now(seen) for job_id, seen in read.seen(failed).items()}
    return {job_id: error.partition("\n")[0] for job_id, error in told.items() if error is not None}


def unfinished_family(read: Reading, jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs of the workflows that some belong to, those finished left out; the last of each first."""
    names = dict.fromkeys(one.workflow or one.id for one in jobs)
    family = [one for name in names for one in reversed(read.family(name)[0])]
    return [one for one in family if not JobState(one.state).final]
