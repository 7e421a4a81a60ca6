"""`localq check`: what a Celery or LocalQ project does that would be different here, found without running it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from localq.cli.app_import import LoadError
from localq.cli.screen import printable, show_json
from localq.contrib.celery.reading import read_project

__all__ = ["check"]

_COLOURS = {"error": "red", "differs": "yellow", "note": None}


@click.command()
@click.option("-A", "--app", "spec", metavar="APP", help="A module, a package, a folder, or the path of a script.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("projects", nargs=-1, metavar="[APP]...")
@click.pass_context
def check(context: click.Context, spec: str | None, as_json: bool, projects: tuple[str, ...]) -> None:
    """Read a project, and say what it does that would be different here.

    Nothing of it is imported or run. Each line names the file and the line, then how much it matters: `error`
    (it does not work as it stands), `differs` (it works in another way) or `note` (it has no effect). The exit
    code is 1 where there are errors, else 0.
    """
    named = [one for one in (spec or context.find_root().params.get("spec"), *projects) if one]
    files: list[str] = []
    found = []
    for one in named or ["."]:
        try:
            read, more = read_project(one, Path.cwd())
        except FileNotFoundError as error:
            raise LoadError(str(error)) from None
        files += read
        found += more
    errors = sum(one.level == "error" for one in found)
    if as_json:
        show_json({"files": files, "findings": [one._asdict() for one in found]})
    else:
        for one in found:
            level = click.style(one.level, fg=_COLOURS[one.level])
            click.echo(f"{printable(one.file)}:{one.line}: {level}: {printable(one.text)}")
        click.echo(f"{len(files)} files read: {errors} errors, {len(found) - errors} other remarks.", err=True)
    sys.exit(1 if errors else 0)
