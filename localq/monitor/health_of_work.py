"""Workers, the jobs they hold, and the jobs nobody will take."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from localq.model.finding import Finding, fine, note, warning
from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.model.orders import PAUSE, Order
from localq.model.worker import WorkerCard, WorkerRow, WorkerState
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Store

__all__ = [
    "Unknown",
    "orphans",
    "paused",
    "running",
    "schedules",
    "stranded",
    "unknown",
    "unknown_tasks",
    "unserved",
    "workers",
]

#: Jobs that are named.
_LISTED = 5
#: Microseconds after which a schedule that is due should have been fired by any scheduler there is.
OVERDUE_US = 60 * 1_000_000


# Reading


def running(store: Store) -> list[Job]:
    """Return every RUNNING job."""
    return list(paged(store.read, Filter(states=(JobState.RUNNING,))))


# Judging


def workers(found: Sequence[WorkerRow], now: int) -> Iterator[Finding]:
    """Judge the workers themselves."""
    for row in found:
        if row.state == WorkerState.SILENT:
            silent_s = max(0, now - row.seen_at) / 1e6
            yield warning(
                "workers",
                f"Worker {row.card.name} (process {row.card.pid}) has said nothing for {silent_s:,.0f} s, "
                "but its process lives: it is stopped, suspended or stuck.",
                f"Continue it (kill -CONT {row.card.pid}) or end it; others take its jobs over.",
            )
    alive = [row for row in found if row.state == WorkerState.ALIVE]
    if not alive:
        other = "other " if any(row.state == WorkerState.SILENT for row in found) else ""
        yield note("workers", f"No {other}worker is alive.", "Start one: localq worker -A APP.")
        return
    names = ", ".join(f"{row.card.name} (process {row.card.pid})" for row in alive)
    yield fine("workers", f"{_count(len(alive), 'worker is', 'workers are')} alive: {names}.")


def orphans(found: Sequence[WorkerRow], jobs: Sequence[Job]) -> Finding:
    """Judge the running jobs: each should have a worker that lives."""
    standing = {row.key: row.state for row in found}
    lost = [one for one in jobs if standing.get(one.owner or 0, WorkerState.GONE) == WorkerState.GONE]
    if not lost:
        return fine("orphans", "Every running job has a worker." if jobs else "No job is running.")
    if WorkerState.ALIVE in standing.values():
        advice = "A live worker takes them over within seconds; look again."
    else:
        advice = "They run again as soon as a worker starts."
    named = _named(Counter(one.task for one in lost))
    return warning(
        "orphans",
        f"{_count(len(lost), 'job belongs', 'jobs belong')} to workers that are gone: {named}.",
        advice,
    )


def unserved(found: Sequence[WorkerRow], waiting: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """Judge the queues: where jobs wait a live worker should serve.

    Args:
        waiting: Number of jobs by queue and task.
    """
    counts: Counter[str] = Counter()
    for (queue, _), count in waiting.items():
        counts[queue] += count
    if not counts:
        yield fine("queues", "No job waits in a queue.")
        return
    served = [row.card for row in found if row.state == WorkerState.ALIVE]
    if not served:
        # That there is none, and how to start one, was said of the workers.
        yield warning(
            "queues",
            f"Jobs wait for a worker: {_in_queues(counts)}.",
            "See that the worker you start serves these queues.",
        )
        return
    missed = {queue: n for queue, n in counts.items() if not any(card.served.serves(queue) for card in served)}
    for queue, count in sorted(missed.items()):
        yield warning(
            "queues",
            f"{_count(count, 'job waits', 'jobs wait')} in queue {queue!r}, which no live worker serves.",
            f"Start a worker that serves it: localq worker -A APP -Q {shlex.quote(queue)}.",
        )
    if not missed:
        yield fine("queues", f"{_count(counts.total(), 'job waits', 'jobs wait')} in queues that are served.")


def paused(orders: Sequence[Order], waiting: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """Tell of paused queues, and how many jobs wait in them."""
    for order in orders:
        if order.kind == PAUSE:
            count = sum(n for (queue, _), n in waiting.items() if queue == order.name)
            yield note(
                "queues",
                f"Queue {order.name!r} is paused; {_count(count, 'job waits', 'jobs wait')} in it.",
                f"To let it go on: localq resume {shlex.quote(order.name)}.",
            )


class Unknown(NamedTuple):
    """Jobs that wait in a queue for a task that no live worker of the queue knows. `known` are those they do."""

    queue: str
    task: str
    jobs: int
    known: frozenset[str]


def unknown(
    found: Iterable[WorkerRow], waiting: Mapping[tuple[str, str], int], own: WorkerCard | None = None
) -> Iterator[Unknown]:
    """Yield the tasks that no live worker knows, though some serve the queue where jobs wait for them.

    Args:
        waiting: Number of jobs by queue and task.
        own: A worker that has not entered yet.
    """
    cards = [row.card for row in found if row.state == WorkerState.ALIVE] + ([] if own is None else [own])
    for (queue, task), count in sorted(waiting.items()):
        there = [card.tasks for card in cards if card.served.serves(queue)]
        if there and not any(task in tasks for tasks in there):
            yield Unknown(queue, task, count, frozenset().union(*there))


def unknown_tasks(found: Sequence[WorkerRow], waiting: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """Judge the tasks of waiting jobs: a live worker that serves the queue should know them; without one, nothing."""
    if not any(row.state == WorkerState.ALIVE for row in found):
        return
    missed = list(unknown(found, waiting))
    for one in missed:
        yield warning(
            "tasks",
            f"{_count(one.jobs, 'job waits', 'jobs wait')} in queue {one.queue!r} for task {one.task!r}, which no "
            f"live worker there knows.{nearest(one.task, sorted(one.known))}",
            "Import its module in the worker (-A, include=), or cancel the jobs.",
        )
    if not missed:
        yield fine("tasks", "Live workers know the tasks of all jobs that wait in their queues.")


def stranded(store: Store) -> Finding:
    """Judge the workflows: what waits for other jobs must wait for some that will end."""
    found = store.read.stranded(_LISTED + 1)
    if not found:
        return fine("workflows", "Every job that waits for others waits for some that will end.")
    named = ", ".join(f"{one.id} ({one.task})" for one in found[:_LISTED])
    more = " and more" if len(found) > _LISTED else ""
    return warning(
        "workflows",
        f"{'A job waits' if len(found) == 1 else 'Jobs wait'} for what can never come: {named}{more}.",
        f"Cancel {'it' if len(found) == 1 else 'them'}: localq cancel ID; localq retry ID then runs it all the same.",
    )


def schedules(store: Store, now: int) -> Finding:
    """Judge the schedules: none should have been due for long."""
    due = store.schedules.due(now - OVERDUE_US, 1)
    for one in due.schedules[:1]:
        # Only those that hold an instant may be due later.
        if one.due_at is not None and one.due_at <= now - OVERDUE_US:
            return warning(
                "schedules",
                f"Schedule {one.name!r} has been due for {(now - one.due_at) / 1e6:,.0f} s: no scheduler runs.",
                "Start one: localq beat -A APP, or a worker with -B.",
            )
    waits = due.schedules or due.next_due is not None
    return fine("schedules", "No schedule is overdue." if waits else "No schedule waits for its time.")


def _in_queues(counts: Counter[str]) -> str:
    more = f" and {len(counts) - _LISTED:,} more" if len(counts) > _LISTED else ""
    return ", ".join(f"{count:,} in queue {queue!r}" for queue, count in counts.most_common(_LISTED)) + more


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in counts.most_common(5))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
