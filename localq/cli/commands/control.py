"""`localq control`, `pause` and `resume`: tell workers what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from localq.app import LocalQ
from localq.cli import answers, exit_codes
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, store_to_ask
from localq.cli.screen import printable
from localq.model.hints import nearest
from localq.model.orders import PAUSE

__all__ = ["control", "pause", "resume"]

#: Commands that are written into the store first, and hold whether a worker is there or not.
_LASTING = ("revoke", "terminate", "revoke_by_stamped_headers", "rate_limit", "time_limit")
#: How like the name of a queue a word must be to be taken for a slip.
_LIKE = 0.75


@click.command()
@answers.asking("control")
def control(context: click.Context, app: LocalQ, asked: answers.Asked) -> None:
    """Tell workers what to do: pool_grow, autoscale, add_consumer, rate_limit, shutdown ...

    Rate limits, time limits and revoked jobs are kept, and hold for all workers, also those that start later.
    Ends with 1 if a worker refused, with 69 if none has answered.
    """
    lasting = asked.command.name in _LASTING
    if lasting:
        store_to_ask(app)
        _write(app, asked.command.name, asked.said)
    told = answers.answered(app, asked)
    if told:
        answers.show(told, asked.as_json)
        context.exit(exit_codes.FAILED if answers.failed(told.values()) else 0)
    elif lasting:
        click.echo("No worker has answered; it is written down for those that come.")
    else:
        answers.unanswered(context, app, asked.destination)


def _write(app: LocalQ, name: str, said: dict[str, Any]) -> None:
    if name == "revoke_by_stamped_headers":
        said = {**said, "headers": _headers(said["headers"])}
    try:
        getattr(app.control, name)(**said)
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"{name}: {error}") from None


def _headers(words: Sequence[str]) -> dict[str, str]:
    parts = [word.partition("=") for word in words]
    for name, equals, _ in parts:
        if not equals:
            raise click.UsageError(f"revoke_by_stamped_headers: {printable(name)!r} is not of the form name=value.")
    return {name: value for name, _, value in parts}


@click.command()
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@app_options
def pause(app: LocalQ, queues: Sequence[str]) -> None:
    """Let no worker take jobs from queues until they are resumed.

    It holds for all workers, also those that start later. What runs goes on, and jobs can be enqueued as before.
    """
    known = [queue for queue, _ in existing(app).read.stats().counts]
    changed = app.control.pause(*queues)
    for name in dict.fromkeys(queues):
        click.echo(f"{printable(name)} is paused." if name in changed else f"{printable(name)} was paused already.")
        if name not in known and (close := nearest(name, known, _LIKE)):
            click.echo(f"Note: no job is in queue {printable(name)!r}.{printable(close)}", err=True)


@click.command()
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@app_options
def resume(app: LocalQ, queues: Sequence[str]) -> None:
    """Let workers take jobs from paused queues again."""
    paused = [order.name for order in existing(app).mail.orders() if order.kind == PAUSE]
    changed = app.control.resume(*queues)
    for name in dict.fromkeys(queues):
        close = printable(nearest(name, paused, _LIKE))
        click.echo(f"{printable(name)} goes on." if name in changed else f"{printable(name)} was not paused.{close}")
