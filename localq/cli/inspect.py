"""`localq inspect`: ask workers what they do."""

from __future__ import annotations

from collections.abc import Sequence

import click

from localq.app import LocalQ
from localq.cli import answers
from localq.cli.loading import app_options
from localq.cli.lookup import names

__all__ = ["inspect"]


@click.command()
@click.argument("command", required=False)
@click.argument("words", nargs=-1, metavar="[ARG]...")
@click.option("-l", "--list", "wants_list", is_flag=True, help="List the commands, those of the app among them.")
@answers.options
@app_options
@click.pass_context
def inspect(
    context: click.Context,
    app: LocalQ,
    command: str | None,
    words: Sequence[str],
    wants_list: bool,
    destination: str | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Ask workers what they do: active, reserved, scheduled, registered, stats, ping ...

    Every worker that lives is waited for, no longer than the timeout. Ends with 69 if none has answered.
    """
    if wants_list or command is None:
        answers.listed("inspect")
        return
    found = answers.command_called("inspect", command)
    said = answers.arguments(found, words)
    told = answers.asked(app, found, said, names(destination), timeout)
    if not told:
        click.echo("Error: No nodes replied within time constraint.", err=True)
        context.exit(answers.EX_UNAVAILABLE)
    answers.show(told, as_json)
