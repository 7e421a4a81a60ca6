"""The picture that `localq events` draws: workers, and the tasks last heard of, as far as the terminal has room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from localq.cli.screen import numbered, printable, took
from localq.model.worker import other_name
from localq.monitor.event_state import State, Task, Worker

__all__ = ["Wanted", "like", "picture"]

_COLOURS = {
    "SUCCESS": "green",
    "FAILURE": "bold red",
    "RETRY": "yellow",
    "REVOKED": "magenta",
    "REJECTED": "magenta",
    "STARTED": "cyan",
}
#: Columns and how wide they are, the most important first: what finds no room is left out. The elastic ones get what
#: is left over.
_OF_WORKERS = {"worker": 16, "alive": 5, "active": 6, "done": 7, "load": 17}
_OF_TASKS = {"task": 16, "state": 8, "time": 8, "took": 10, "outcome": 16, "id": 36, "worker": 16}
_ELASTIC = ("task", "outcome", "worker")
_ORDER = ("time", "task", "id", "state", "worker", "alive", "active", "done", "load", "took", "outcome")
_GAP = 2
#: Lines that are neither a worker's nor a task's: two headings, two empty ones, the last, and the cursor's.
_OTHER_LINES = 6

Row = Mapping[str, str | Text]


class Wanted(NamedTuple):
    """Which events are shown: patterns with * and ?; None is any."""

    task: str | None = None
    worker: str | None = None
    state: str | None = None

    def takes(self, event: dict[str, Any], name: str | None) -> bool:
        """Whether an event is wanted; `name` is its task's."""
        is_task = str(event["type"]).startswith("task-")
        if self.task is not None and not (is_task and like(name, self.task)):
            return False
        if self.state is not None and event["type"] != f"task-{self.state}":
            return False
        name = str(event["hostname"])
        return self.worker is None or like(name, self.worker) or like(other_name(name), self.worker)

    def shows(self, task: Task) -> bool:
        """Whether a task is to be in the picture."""
        if self.task is not None and not like(task.name, self.task):
            return False
        if self.state is not None and getattr(task, self.state, None) is None:
            return False
        return self.worker is None or (task.worker is not None and like(task.worker.hostname, self.worker))


def like(name: str | None, pattern: str) -> bool:
    """Whether a name is one that a pattern stands for."""
    return name is not None and fnmatchcase(name, pattern)


def picture(shown: State, wanted: Wanted, now: float, height: int, width: int) -> Group:
    """Return the tables of workers and of the tasks last heard of, as much as fits.

    Args:
        now: Seconds since 1970.
        height, width: Lines and columns of the terminal.
    """
    room = max(2, height - _OTHER_LINES)
    workers = list(_workers(shown, wanted, now))
    most = max(1, room // 2)
    if len(workers) > most:
        hidden = len(workers) - most + 1
        workers = [*workers[: most - 1], {"worker": Text(f"... and {hidden:,} more", "dim")}]
    chosen = [task for _, task in shown.tasks_by_timestamp() if wanted.shows(task)]
    tasks = [_of_task(task) for task in chosen[: max(1, room - len(workers))]]
    line = f"{numbered(shown.event_count, 'event')}, {numbered(shown.task_count, 'task')}, "
    line += f"{numbered(len(shown.workers), 'worker')}; Ctrl-C ends this"
    return Group(
        _table(_OF_WORKERS, workers, width),
        Text(),
        _table(_OF_TASKS, tasks, width),
        Text(),
        Text(line, "dim", no_wrap=True, overflow="ellipsis"),
    )


def _table(columns: Mapping[str, int], rows: list[Row], width: int) -> Table:
    """Return a table of those columns for which there is room."""
    left = width + _GAP
    fitting = []
    for name, needed in columns.items():
        if needed + _GAP <= left:
            fitting.append(name)
            left -= needed + _GAP
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold", expand=True)
    for name in sorted(fitting, key=_ORDER.index):
        fixed = None if name in _ELASTIC else columns[name]
        ratio = None if fixed else 1 if name == "worker" and "task" in columns else 2
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=fixed, ratio=ratio)
    for row in rows:
        table.add_row(*(row.get(name, "") for name in sorted(fitting, key=_ORDER.index)))
    return table


def _workers(shown: State, wanted: Wanted, now: float) -> Iterator[Row]:
    """Yield a row for each worker, those that live first."""
    known = [(name, one) for name, one in shown.workers.items() if one.sw_ident]
    for hostname, worker in sorted(known, key=lambda one: not one[1].alive_at(now)):
        if wanted.worker is None or like(hostname, wanted.worker):
            yield _of_worker(hostname, worker, now)


def _of_worker(hostname: str, worker: Worker, now: float) -> Row:
    return {
        "worker": Text(printable(hostname)),
        "alive": Text("yes", "green") if worker.alive_at(now) else Text("no", "bold red"),
        "active": str(worker.active or 0),
        "done": str(worker.processed or 0),
        "load": " ".join(f"{value:.2f}" for value in worker.loadavg),
    }


def _of_task(task: Task) -> Row:
    outcome = task.exception if task.state in ("FAILURE", "RETRY") else task.result
    return {
        "time": datetime.fromtimestamp(task.timestamp).astimezone().strftime("%H:%M:%S"),
        "task": Text(printable(task.name or "?")),
        "id": task.uuid,
        "state": Text(task.state, _COLOURS.get(task.state, "")),
        "worker": Text(printable("" if task.worker is None else task.worker.hostname)),
        "took": "" if task.runtime is None else took(task.runtime),
        "outcome": Text(printable(outcome or "")),
    }
