"""`localq events`: what workers do, as it happens: as a table on a terminal, or one line an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from rich.live import Live

from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.celery_options import without_effect
from localq.cli.events_view import Wanted, picture
from localq.cli.lookup import existing
from localq.cli.screen import on_terminal, printable
from localq.model.hints import nearest
from localq.monitor.event_receiver import Receiver
from localq.monitor.event_state import STATES_AFTER, State

__all__ = ["events"]

#: How like the word of an event another must be to be taken for a slip.
_LIKE = 0.75
#: Most seconds between two pictures.
_PICTURE_S = 0.5
#: Fields of every event, which a line begins with or that say nothing to a person.
_COMMON = ("type", "hostname", "timestamp", "clock", "utcoffset", "pid", "local_received", "uuid")


@click.command()
@click.option("-d", "--dump", is_flag=True, help="Print one line an event; so it is where the output is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@click.option("-t", "--task", metavar="NAME", help="Only tasks of that name; * and ? stand for any characters.")
@click.option("-w", "--worker", metavar="NAME", help="Only of that worker.")
@click.option(
    "-s", "--state", metavar="WORD", help="Only that: received, started, succeeded, failed, retried, revoked."
)
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@without_effect("events")
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
    wanted = Wanted(task, worker, None if state is None else _verb(state))
    with app.events.Receiver() as receiver:
        try:
            if dump or as_json or not on_terminal():
                _print(receiver, shown, wanted, limit, json.dumps if as_json else line)
            else:
                _draw(app, receiver, shown, wanted, limit)
        except KeyboardInterrupt:
            pass


def _verb(word: str) -> str:
    """Return the last part of an event's type: that of a state, or one that tasks made up.

    Raises:
        UsageError: it is nearly another.
    """
    verbs = {state: event.removeprefix("task-") for event, state in STATES_AFTER.items()}
    known = [*verbs.values()]
    if word.upper() in verbs or word in known:
        return verbs.get(word.upper(), word)
    if (close := nearest(word.lower(), [*known, *map(str.lower, verbs)], _LIKE)) != "":
        raise click.UsageError(f"--state {printable(word)}: there is no such event.{close} Known: {', '.join(known)}.")
    return word


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
            width, height = live.console.size
            live.update(picture(shown, wanted, app.clock.now() / 1e6, height, width), refresh=True)
            receiver.pause(_PICTURE_S)
