"""Find the jobs a command is about: by id, by the start of an id, by state."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import click

from localq import states
from localq.app import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.serialization import failure
from localq.store.protocol.store import Filter, Store

__all__ = [
    "EXIT_UNKNOWN",
    "SHORTEST_PREFIX",
    "Wanted",
    "errors_of",
    "existing",
    "job_called",
    "jobs_in",
    "names",
    "wanted",
]

#: Exit code for an id that no job has.
EXIT_UNKNOWN = 4
#: Characters of an id that may stand for the whole.
SHORTEST_PREFIX = 6
#: Jobs read at once.
_PAGE = 500
_WAITING = (JobState.WAITING, JobState.SCHEDULED, JobState.READY)
#: The names `--state` takes, Celery's first, and where such jobs are.
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


def existing(app: LocalQ) -> Store:
    """Return the app's store, without making a file where there is none.

    Raises:
        StoreError: there is no file.
        ImproperlyConfigured: the jobs are in the app's own memory, where no other process sees them.
    """
    store = app.store
    if getattr(store, "memory", False):
        raise ImproperlyConfigured("This app keeps its jobs in memory, and only its own process sees them.")
    path = getattr(store, "path", None)
    if path is None:
        return store
    try:
        os.stat(path)
    except FileNotFoundError:
        raise StoreError(
            f"There is no file {path}. Check -A, --path and the folder. The first job enqueued makes it."
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be looked at: {error.strerror or error}.") from None
    return store


def names(text: str | None) -> list[str] | None:
    """Return the names in an option's value, parted by commas; None for all."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


# One job


def job_called(store: Store, name: str) -> Job | None:
    """Return the job of an id, or the only one whose id starts so; None if there is none.

    Raises:
        UsageError: several ids start so.
    """
    exact = store.get([name]).get(name)
    if exact is not None or len(name) < SHORTEST_PREFIX:
        return exact
    found = store.find(Filter(id_prefix=name), 4)
    if len(found) > 1:
        listed = "\n".join(f"  {one.id}" for one in found[:3]) + ("\n  ..." if found[3:] else "")
        raise click.UsageError(f"Several ids start with {name!r}:\n{listed}")
    return found[0] if found else None


# Many


class Wanted(NamedTuple):
    """Which jobs to look at, in one or several sets that may overlap, and which of them are meant."""

    among: tuple[Filter, ...]
    fits: Callable[[Job], bool]


def wanted(
    store: Store,
    names: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    queues: Sequence[str] = (),
    before: int | None = None,
) -> Wanted:
    """Return what names of states mean: those results show, those a store has, or what a task called itself.

    Raises:
        UsageError: no job can be, or now is, in a state of that name; the nearest is named.
    """
    base = Filter(tasks=tuple(tasks) or None, queues=tuple(queues) or None, before=before)
    if not names:
        return Wanted((base,), lambda job: True)
    read = [_state_name(store, name) for name in names]
    own = {JobState[name] for name in read if name in JobState.__members__}
    shown = {name for name in read if name not in JobState.__members__}
    where = {state for name in read for state in STATES.get(name, ())}
    # A task may end under any public name (update_state, then Ignore), whatever state its job is in.
    among = [base._replace(shown=name) for name in sorted(shown)]
    if where:
        among.append(base._replace(states=tuple(sorted(where))))
    return Wanted(tuple(among), lambda job: job.state in own or states.public_state(job) in shown)


def _state_name(store: Store, name: str) -> str:
    if name.upper() in STATES or name.upper() in _SHOWN:
        return name.upper()
    if store.find(Filter(shown=name), 1):
        return name
    close = nearest(name.upper(), [*STATES, *_SHOWN])
    raise click.UsageError(f"There is no state {name!r}, and no job shows it.{close} Known: {', '.join(STATES)}.")


def jobs_in(store: Store, which: Wanted) -> Iterator[Job]:
    """Return jobs, newest first, reading as many as are asked for."""
    last = None
    for job in heapq.merge(*(_paged(store, among) for among in which.among), key=lambda job: -job.key):
        if job.key != last and which.fits(job):
            yield job
        last = job.key


def _paged(store: Store, which: Filter) -> Iterator[Job]:
    while True:
        page = store.find(which, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        which = which._replace(before=page[-1].key)


def errors_of(store: Store, jobs: Sequence[Job]) -> dict[str, str]:
    """Return the first line of the last error of each job that failed, was lost or was revoked, by its id."""
    # Results are not read along: they may be large.
    failed = [job.id for job in jobs if job.attempts and job.state not in (JobState.SUCCEEDED, JobState.RUNNING)]
    lines = {}
    for job_id, (_, last, _) in store.results(failed).items():
        if last is not None and last.failure is not None:
            said = failure.load(last.failure)
            lines[job_id] = f"{said.type}: {said.message.partition(chr(10))[0]}"
    return lines
