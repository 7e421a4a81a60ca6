"""`localq inspect`: ask workers what they do."""

from __future__ import annotations

import click

from localq.app import LocalQ
from localq.cli import answers

__all__ = ["inspect"]


@click.command()
@answers.asking("inspect")
def inspect(context: click.Context, app: LocalQ, asked: answers.Asked) -> None:
    """Ask workers what they do: active, reserved, scheduled, registered, stats, ping ...

    Every worker that lives is waited for, no longer than the timeout. Ends with 69 if none has answered.
    """
    told = answers.answered(app, asked)
    if not told:
        answers.unanswered(context, app, asked.destination)
    answers.show(told, asked.as_json)
