"""`localq status`: the workers, the queues, and the file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli.loading import app_options
from localq.cli.lookup import existing
from localq.cli.screen import age, iso, on_terminal, printable, show_json, show_table
from localq.health.place import log_bytes, size_text
from localq.health.work import Standing, standings
from localq.job import JobState
from localq.store.base import Store

__all__ = ["status"]

#: What a job's states are called here: Celery's words, but for those that Celery has no two words for.
NAMES = {
    JobState.WAITING: "WAITING",
    JobState.SCHEDULED: "SCHEDULED",
    JobState.READY: "READY",
    JobState.RUNNING: states.STARTED,
    JobState.SUCCEEDED: states.SUCCESS,
    JobState.FAILED: states.FAILURE,
    JobState.CANCELLED: states.REVOKED,
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def status(app: LocalQ, as_json: bool) -> None:
    """Show workers, queues and counts.

    WAITING jobs wait for others, SCHEDULED ones for their time, READY ones for a worker. A worker is alive, gone,
    or silent: its process is there, but does not answer. Where the output is no terminal, each line begins with what it
    tells of: worker, queue, waiting or file, and its fields are parted by tabs.
    """
    store, now = existing(app), app.clock.now()
    found = standings(store, app.clock)
    counts = _by_queue(store)
    oldest = store.oldest_ready()
    if as_json:
        show_json(
            {
                "file": _file(store),
                "workers": [_worker(one) for one in found],
                "queues": counts,
                "oldest_ready_at": iso(oldest),
                "oldest_ready_age_s": None if oldest is None else max(0, now - oldest) / 1e6,
            }
        )
    else:
        _show(store, found, counts, oldest, now)


def _show(
    store: Store, found: Iterable[Standing], counts: dict[str, dict[str, int]], oldest: int | None, now: int
) -> None:
    cards = [(one.row.card, one.row.seen_at, one.state) for one in found]
    show_table(
        ("name", "process", "pool", "slots", "queues", "last heard", "state"),
        [
            (card.name, card.pid, card.pool, card.concurrency, _queues(card), age(seen_at, now), state)
            for card, seen_at, state in cards
        ],
        kind="worker",
    )
    show_table(
        ("name", *NAMES.values()),
        [(queue, *of_queue.values()) for queue, of_queue in counts.items()],
        kind="queue",
    )
    file = _file(store)
    path, size, log = printable(file["path"]), size_text(file["bytes"]), size_text(file["wal_bytes"])
    if not on_terminal():
        click.echo(f"waiting\t{age(oldest, now)}\nfile\t{path}\t{size}\t{log}")
        return
    if oldest is not None:
        click.echo(f"The oldest ready job has waited for {age(oldest, now)}.")
    click.echo(f"{path}: {size}, and {log} in its log")


def _by_queue(store: Store) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (queue, state), count in sorted(store.stats().items()):
        counts.setdefault(queue, dict.fromkeys(NAMES.values(), 0))[NAMES[state]] = count
    return counts


def _worker(one: Standing) -> dict[str, Any]:
    card = one.row.card
    return {
        "name": card.name,
        "state": one.state,
        "host": card.host,
        "pid": card.pid,
        "pool": card.pool,
        "slots": card.concurrency,
        "queues": None if card.queues is None else list(card.queues),
        "excluded": list(card.excluded),
        "started_at": iso(one.row.started_at),
        "seen_at": iso(one.row.seen_at),
    }


def _queues(card: Any) -> str:
    served = "all" if card.queues is None else ",".join(card.queues)
    return f"{served} but {','.join(card.excluded)}" if card.excluded else served


def _file(store: Store) -> dict[str, Any]:
    path = getattr(store, "path", "")
    return {"path": path, "bytes": os.stat(path).st_size if path else 0, "wal_bytes": log_bytes(path)}
