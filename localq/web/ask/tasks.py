"""The tasks: how much of each is done, how it ends, how long it takes, and who knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from localq.app import LocalQ
from localq.model.job import JobState
from localq.model.tally import Tally
from localq.model.worker import WorkerState
from localq.result.paged_jobs import paged
from localq.store.protocol import Filter, Store
from localq.web.ask.names import Waiting
from localq.web.ask.overview import Past
from localq.web.ask.series import Figures, Window, figures

__all__ = ["TaskSeen", "TasksPage", "running_by_task", "task_names", "tasks_page", "tasks_seen"]

#: Running jobs that are read at most.
_MOST_RUNNING = 1000


class TaskSeen(NamedTuple):
    """A task. `figures` is what finished in the window; `workers` are those alive that know it, `here` whether we do.

    `revoked` of what finished were cancelled, or too late.
    """

    name: str
    figures: Figures
    revoked: int
    waiting: int
    running: int
    here: bool
    workers: tuple[str, ...]

    @property
    def succeeded(self) -> int:
        """How many of those that finished succeeded."""
        return self.figures.finished - self.figures.failed - self.revoked


class TasksPage(NamedTuple):
    """Every task; what finished before `counted_from` is not counted yet, None: all is."""

    tasks: list[TaskSeen]
    counted_from: int | None


def tasks_page(app: LocalQ, store: Store, past: Past, window: Window, now: int, counted: Waiting) -> TasksPage:
    """Return every task that is known, waits, or finished in a window: those with most failures first, then by name."""
    return past.shared(f"tasks {window.name}", lambda: _tasks_page(app, store, past, window, now, counted))


def _tasks_page(app: LocalQ, store: Store, past: Past, window: Window, now: int, counted: Waiting) -> TasksPage:
    tallies, whole_from = past.tallies(store, window, now)
    return TasksPage(
        tasks_seen(app, store, tallies, counted), None if whole_from <= now - window.length_us else whole_from
    )


def tasks_seen(
    app: LocalQ, store: Store, tallies: Sequence[Tally], counted: Waiting, only: str | None = None
) -> list[TaskSeen]:
    """Return every task that is known, waits, or finished: those with most failures first, then by name.

    Args:
        only: Leave out all others.
    """
    by_task: dict[str, list[Tally]] = {}
    for one in tallies:
        by_task.setdefault(one.task, []).append(one)
    waiting: Counter[str] = Counter()
    for (_, task), count in counted.counts.items():
        waiting[task] += count
    running = running_by_task(store)
    knowing = task_names(store)
    names = {*by_task, *waiting, *running, *knowing, *app.tasks}
    found = [
        TaskSeen(
            name,
            figures(by_task.get(name, ())),
            sum(one.count for one in by_task.get(name, ()) if one.state == JobState.CANCELLED),
            waiting[name],
            running[name],
            name in app.tasks,
            tuple(sorted(knowing.get(name, ()))),
        )
        for name in names
        if only is None or name == only
    ]
    return sorted(found, key=lambda one: (-one.figures.failed, one.name))


def task_names(store: Store) -> dict[str, list[str]]:
    """Return the tasks that live workers know, and the names of those."""
    found: dict[str, list[str]] = {}
    for row in store.workers.all():
        if row.state == WorkerState.ALIVE:
            for task in row.card.tasks:
                found.setdefault(task, []).append(row.card.name)
    return found


def running_by_task(store: Store) -> Counter[str]:
    """Return how many jobs of each task run, of those that run longest not all."""
    found: Counter[str] = Counter()
    for number, job in enumerate(paged(store.read, Filter(states=(JobState.RUNNING,)))):
        if number >= _MOST_RUNNING:
            break
        found[job.task] += 1
    return found
