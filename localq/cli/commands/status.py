"""`localq status`: the workers, the queues, and the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from localq import store as stores
from localq.app import LocalQ
from localq.cli.answers import show_count, show_word, unanswered
from localq.cli.app_option import app_options
from localq.cli.lookup import names, store_to_ask
from localq.cli.screen import age, iso, numbered, on_terminal, printable, show_json, show_table
from localq.model.orders import PAUSE
from localq.model.sizes import size_text
from localq.model.worker import WorkerRow, WorkerState, other_name
from localq.monitor import queues
from localq.monitor.health_of_work import Unknown, unknown

__all__ = ["status"]


#: Unknown tasks that are named on a terminal.
_LISTED = 10


@click.command()
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-t",
    "--timeout",
    type=click.FloatRange(min=0),
    default=1.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait for workers that do not answer.",
)
@click.option("-d", "--destination", metavar="A,B", help="Show only these workers.")
@click.option("--all", "everyone", is_flag=True, help="Show each worker that is gone, too.")
@app_options
@click.pass_context
def status(
    context: click.Context, app: LocalQ, as_json: bool, timeout: float, destination: str | None, everyone: bool
) -> None:
    """Show workers, queues and counts.

    WAITING jobs wait for others, SCHEDULED ones for their time or their rate limit, READY ones for a worker. A worker
    is alive, gone, or silent: its process is there, but does not answer. Those that may be alive are asked; on a
    terminal those that are gone are counted, and shown with --all. First come Celery's lines: who answered, and how
    many. Where the output is no terminal, each line after them begins with what it tells of: worker, queue, paused,
    unknown, waiting or file, and its fields are parted by tabs. Unknown are tasks that jobs at the front of a queue
    wait for, and no live worker there knows. The queue celery is the default one. Ends with 69 if no worker has
    answered; the file is shown all the same.
    """
    store, now = store_to_ask(app), app.clock.now()
    wanted = names(destination)
    rows = store.workers.all()
    found = [row for row in rows if wanted is None or {row.card.name, other_name(row.card.name)} & set(wanted)]
    answered = _asked(app, found, timeout)
    paused = [order.name for order in store.mail.orders() if order.kind == PAUSE]
    stats = store.read.stats()
    counts = queues.counts(stats.counts)
    missed = list(unknown(rows, stats.in_front))
    oldest = stats.oldest(now)
    if as_json:
        show_json(
            {
                "file": _file(app),
                "workers": [{**_worker(one), "answered": answered.get(one.card.name)} for one in found],
                "queues": counts,
                "paused": paused,
                "unknown_tasks": [{"queue": one.queue, "task": one.task} for one in missed],
                "oldest_ready_at": iso(oldest),
                "oldest_ready_age_s": None if oldest is None else max(0, now - oldest) / 1e6,
            }
        )
    else:
        _show_answers(answered)
        gone = [] if everyone or not on_terminal() else [one for one in found if one.state == WorkerState.GONE]
        _show(app, [one for one in found if one not in gone], counts, oldest, now)
        if gone:
            click.echo(f"{numbered(len(gone), 'worker has', 'workers have')} ended: --all shows them.")
        if paused and on_terminal():
            click.echo(f"Paused: {printable(', '.join(paused))}")
        for name in () if on_terminal() else paused:
            click.echo(f"paused\t{printable(name)}")
        _show_unknown(missed)
    if not any(answered.values()):
        unanswered(context, app, wanted)


def _asked(app: LocalQ, found: Iterable[WorkerRow], timeout: float) -> dict[str, bool]:
    """Return the workers that may be alive, and whether they answer."""
    meant = [one.card.name for one in found if one.state == WorkerState.ALIVE]
    answers = app.control.ping(meant, timeout) if meant else []
    there = {name for answer in answers for name in answer}
    return {name: name in there for name in meant}


def _show_answers(answered: dict[str, bool]) -> None:
    """Print who answered, as Celery's status does: health checks look for these lines."""
    for name, ok in answered.items():
        show_word(name, "OK" if ok else "no answer", good=ok)
    if any(answered.values()):
        show_count(sum(answered.values()))
        click.echo()


def _show_unknown(missed: Sequence[Unknown]) -> None:
    """Print the tasks that no live worker knows; people get the first of many."""
    if not on_terminal():
        for one in missed:
            click.echo(f"unknown\t{printable(one.queue)}\t{printable(one.task)}")
    elif missed:
        told = [f"{printable(one.task)} (queue {printable(one.queue)})" for one in missed[:_LISTED]]
        more = f" and {len(missed) - _LISTED:,} more" if len(missed) > _LISTED else ""
        click.echo(f"Jobs wait for tasks that no live worker knows: {', '.join(told)}{more}.")


def _show(
    app: LocalQ, found: Iterable[WorkerRow], counts: dict[str, dict[str, int]], oldest: int | None, now: int
) -> None:
    cards = [(one.card, one.seen_at, one.state) for one in found]
    show_table(
        ("name", "process", "pool", "slots", "queues", "last heard", "state"),
        [
            (card.name, card.pid, card.pool, card.concurrency, _queues(card), age(seen_at, now), state)
            for card, seen_at, state in cards
        ],
        kind="worker",
    )
    show_table(
        ("name", *queues.STATE_NAMES.values()),
        [(queue, *of_queue.values()) for queue, of_queue in counts.items()],
        kind="queue",
    )
    file = _file(app)
    path, size, log = printable(file["path"]), size_text(file["bytes"]), size_text(file["wal_bytes"])
    if not on_terminal():
        click.echo(f"waiting\t{age(oldest, now)}\nfile\t{path}\t{size}\t{log}")
        return
    if oldest is not None:
        click.echo(f"The oldest ready job has waited for {age(oldest, now)}.")
    click.echo(f"{path}: {size}, and {log} in its log")


def _worker(one: WorkerRow) -> dict[str, Any]:
    card = one.card
    return {
        "name": card.name,
        "state": one.state,
        "host": card.host,
        "pid": card.pid,
        "pool": card.pool,
        "slots": card.concurrency,
        "queues": None if card.queues is None else list(card.queues),
        "excluded": list(card.excluded),
        "started_at": iso(one.started_at),
        "seen_at": iso(one.seen_at),
    }


def _queues(card: Any) -> str:
    served = "all" if card.queues is None else ",".join(card.queues)
    return f"{served} but {','.join(card.excluded)}" if card.excluded else served


def _file(app: LocalQ) -> dict[str, Any]:
    size, log = stores.sizes(app.location)
    return {"path": app.store.name, "bytes": size, "wal_bytes": log}
