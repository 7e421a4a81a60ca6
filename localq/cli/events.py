"""`localq events`: what workers do, as it happens: as a table on a terminal, or one line an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from localq.app import LocalQ
from localq.cli.loading import app_options
from localq.cli.lookup import existing
from localq.cli.screen import on_terminal, printable
from localq.eventstate import State, Task
from localq.receiver import Receiver

__all__ = ["events"]

#: Most seconds between two pictures.
_PICTURE_S = 0.5
_COLOURS = {
    "SUCCESS": "green",
    "FAILURE": "bold red",
    "RETRY": "yellow",
    "REVOKED": "magenta",
    "REJECTED": "magenta",
    "STARTED": "cyan",
}
#: Fields of every event, which a line begins with or that say nothing to a person.
_COMMON = ("type", "hostname", "timestamp", "clock", "utcoffset", "pid", "local_received", "uuid")


class Wanted(NamedTuple):
    """Which events are shown: patterns with * and ?; None is any."""

    task: str | None = None
    worker: str | None = None
    state: str | None = None

    def takes(self, event: dict[str, Any], name: str | None) -> bool:
        """Whether an event is wanted; `name` is its task's."""
        is_task = str(event["type"]).startswith("task-")
        if self.task is not None and not (is_task and _like(name, self.task)):
            return False
        if self.state is not None and event["type"] != f"task-{self.state}":
            return False
        return self.worker is None or _like(str(event["hostname"]), self.worker)


@click.command()
@click.option("-d", "--dump", is_flag=True, help="Print one line an event; so it is where the output is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@click.option("-t", "--task", metavar="NAME", help="Only tasks of that name; * and ? stand for any characters.")
@click.option("-w", "--worker", metavar="NAME", help="Only of that worker.")
@click.option(
    "-s", "--state", metavar="WORD", help="Only that: received, started, succeeded, failed, retried, revoked."
)
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@app_options
def events(
    app: LocalQ,
    dump: bool,
    as_json: bool,
    task: str | None,
    worker: str | None,
    state: str | None,
    limit: int | None,
) -> None:
    """Show what workers do, as it happens; Ctrl-C ends it.

    Nothing is shown of what was before: workers send events only while somebody listens.
    """
    existing(app)
    shown = State()
    wanted = Wanted(task, worker, state)
    with app.events.Receiver() as receiver:
        try:
            if dump or as_json or not on_terminal():
                _print(receiver, shown, wanted, limit, json.dumps if as_json else line)
            else:
                _draw(app, receiver, shown, wanted, limit)
        except KeyboardInterrupt:
            pass


def _print(
    receiver: Receiver, shown: State, wanted: Wanted, limit: int | None, write: Callable[[dict[str, Any]], str]
) -> None:
    count = 0
    for event in receiver.itercapture():
        shown.event(event)
        known = shown.tasks.get(event.get("uuid", ""))
        name = known.name if known is not None else None
        if wanted.takes(event, name):
            click.echo(write(event if name is None else {"name": name, **event}))
            count += 1
            if count == limit:
                return


def line(event: dict[str, Any]) -> str:
    """Return an event as a line: when, who, what, and its fields."""
    at = datetime.fromtimestamp(event["timestamp"]).astimezone().isoformat(sep=" ", timespec="milliseconds")
    fields = [f"{name}={value!r}" for name, value in event.items() if name not in _COMMON and value is not None]
    about = [str(event["uuid"])] if "uuid" in event else []
    return printable(" ".join([at, str(event["hostname"]), str(event["type"]), *about, *fields]))


# On a terminal


def _draw(app: LocalQ, receiver: Receiver, shown: State, wanted: Wanted, limit: int | None) -> None:
    receiver.wakeup_workers()
    count = 0
    with Live(screen=True, auto_refresh=False) as live:
        while limit is None or count < limit:
            for event in receiver.drain():
                shown.event(event)
                count += 1
            live.update(picture(shown, wanted, app.clock.now() / 1e6, live.console.height), refresh=True)
            receiver.pause(_PICTURE_S)


def picture(shown: State, wanted: Wanted, now: float, height: int) -> Group:
    """Return the tables of workers and of the tasks last heard of, as many as fit.

    Args:
        now: Seconds since 1970.
        height: Lines of the terminal.
    """
    workers = _table("worker", "alive", "active", "done", "load")
    for hostname, worker in shown.workers.items():
        if worker.sw_ident and (wanted.worker is None or _like(hostname, wanted.worker)):
            alive = Text("yes", "green") if worker.alive_at(now) else Text("no", "bold red")
            load = " ".join(f"{value:.2f}" for value in worker.loadavg)
            row = (printable(hostname), alive, str(worker.active or 0), str(worker.processed or 0), load)
            workers.add_row(*row)
    tasks = _table("time", "task", "id", "state", "worker", "took", "outcome")
    room = max(3, height - workers.row_count - 6)
    chosen = [task for _, task in shown.tasks_by_timestamp() if _chosen(task, wanted)]
    for task in chosen[:room]:
        tasks.add_row(*_row(task))
    line = f"{shown.event_count:,} events, {shown.task_count:,} tasks, {len(shown.workers)} workers; Ctrl-C ends this"
    return Group(workers, Text(), tasks, Text(), Text(line, "dim"))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=3 if name in ("task", "outcome") else None)
    return table


def _chosen(task: Task, wanted: Wanted) -> bool:
    if wanted.task is not None and not _like(task.name, wanted.task):
        return False
    if wanted.state is not None and getattr(task, wanted.state, None) is None:
        return False
    return wanted.worker is None or (task.worker is not None and _like(task.worker.hostname, wanted.worker))


def _row(task: Task) -> tuple[str | Text, ...]:
    at = datetime.fromtimestamp(task.timestamp).astimezone().strftime("%H:%M:%S")
    took = "" if task.runtime is None else f"{task.runtime:.3f} s"
    outcome = task.exception if task.state in ("FAILURE", "RETRY") else task.result
    worker = "" if task.worker is None else task.worker.hostname
    return (
        at,
        Text(printable(task.name or "?")),
        task.uuid,
        Text(task.state, _COLOURS.get(task.state, "")),
        Text(printable(worker)),
        took,
        Text(printable(outcome or "")),
    )


def _like(name: str | None, pattern: str) -> bool:
    return name is not None and fnmatchcase(name, pattern)
