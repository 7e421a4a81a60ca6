"""Find jobs: by id, by the start of an id, by what they are shown as."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from localq import states
from localq.exceptions import QueryError
from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.result.paged_jobs import paged
from localq.serialization import failure
from localq.store.protocol import Filter, Reading

__all__ = ["SHORTEST_PREFIX", "STATES", "Wanted", "errors_of", "job_called", "jobs_in", "unfinished_family", "wanted"]

#: Characters of an id that may stand for the whole.
SHORTEST_PREFIX = 6
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


def job_called(read: Reading, name: str) -> Job | None:
    """Return the job of an id, or the only one whose id starts so; None if there is none.

    Raises:
        QueryError: several ids start so.
    """
    exact = read.get([name]).get(name)
    if exact is not None or len(name) < SHORTEST_PREFIX:
        return exact
    found = read.starting(name, 4)
    if len(found) > 1:
        listed = "\n".join(f"  {one.id}" for one in found[:3]) + ("\n  ..." if found[3:] else "")
        raise QueryError(f"Several ids start with {name!r}:\n{listed}")
    return found[0] if found else None


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


def errors_of(read: Reading, jobs: Sequence[Job]) -> dict[str, str]:
    """Return the first line of the last error of each job that failed, was lost or was revoked, by its id."""
    # Results are not read along: they may be large.
    failed = [job.id for job in jobs if job.attempts and job.state not in (JobState.SUCCEEDED, JobState.RUNNING)]
    lines = {}
    for job_id, (_, last, _) in read.seen(failed).items():
        if last is not None and last.failure is not None:
            said = failure.load(last.failure)
            lines[job_id] = f"{said.type}: {said.message.partition(chr(10))[0]}"
    return lines


def unfinished_family(read: Reading, jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs of the workflows that some belong to, those finished left out; the last of each first."""
    names = dict.fromkeys(one.workflow or one.id for one in jobs)
    family = [one for name in names for one in reversed(read.family(name)[0])]
    return [one for one in family if not JobState(one.state).final]
