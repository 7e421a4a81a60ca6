"""`localq check`: what a Celery or LocalQ project does that would be different here, found without running it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from localq.cli.app_import import LoadError
from localq.cli.screen import printable, show_json
from localq.contrib.celery.difference import LEVELS, Difference, Level, Thing, things
from localq.contrib.celery.reading import read_project

__all__ = ["check"]

_COLOURS = {"error": "red", "differs": "yellow"}
#: Places of a thing that are shown where not all are asked for.
_SHOWN = 3
#: What there is to do, by how many things there are of a level: one, and several.
_TO_DO: dict[Level, tuple[str, str]] = {
    "error": ("1 thing stops this program", "{} things stop this program"),
    "differs": ("1 means something else", "{} mean something else"),
    "moved": ("1 name is imported from elsewhere", "{} names are imported from elsewhere"),
    "note": ("1 can go", "{} can go"),
    "unread": ("1 file could not be read", "{} files could not be read"),
}


@click.command()
@click.option("-A", "--app", "spec", metavar="APP", help="A module, a package, a folder, or the path of a script.")
@click.option("--all", "every", is_flag=True, help="Name every place, a line each.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("projects", nargs=-1, metavar="[APP]...")
@click.pass_context
def check(context: click.Context, spec: str | None, every: bool, as_json: bool, projects: tuple[str, ...]) -> None:
    """Read a project, and say what it does that would be different here.

    Nothing of it is imported or run. Each line names the file and the line, then how much it matters: `error`
    (it does not work as it stands), `differs` (it works in another way), `moved` (it is imported from elsewhere),
    `note` (it has no effect) or `unread` (the file is no Python that this one reads). What is in several places is
    told once. The exit code is 1 where there are errors, else 0.
    """
    named = [one for one in (spec or context.find_root().params.get("spec"), *projects) if one]
    files: list[str] = []
    found: list[Difference] = []
    for one in named or ["."]:
        try:
            read, more = read_project(one, Path.cwd())
        except FileNotFoundError as error:
            raise LoadError(str(error)) from None
        files += read
        found += more
    told = things(found)
    if as_json:
        show_json({"files": files, "findings": [one._asdict() for one in found]})
    else:
        for line in _places(found) if every else _once(told):
            click.echo(line)
        click.echo(f"{_count(len(files))} read: {_to_do(told)}.")
    sys.exit(1 if any(one.level == "error" for one in told) else 0)


def _places(found: Iterable[Difference]) -> Iterator[str]:
    for one in sorted(set(found)):
        yield _line(one.place, one.level, one.text)


def _once(told: Iterable[Thing]) -> Iterator[str]:
    for one in told:
        more = one.places[1:_SHOWN]
        left = len(one.places) - 1 - len(more)
        tail = f" [also {', '.join(more)}{f' and {left} more' if left else ''}]" if more else ""
        yield _line(one.places[0], one.level, f"{one.text}{tail}")


def _line(place: str, level: Level, text: str) -> str:
    return f"{printable(place)}: {click.style(level, fg=_COLOURS.get(level))}: {printable(text)}"


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def _to_do(told: Iterable[Thing]) -> str:
    counts: Counter[Level] = Counter()
    for one in told:
        # What is mended in one go is one thing; settings go one by one, and files are read one by one.
        counts[one.level] += {"note": len(one.subjects), "unread": len(one.places)}.get(one.level, 1)
    said = [_TO_DO[level][counts[level] > 1].format(counts[level]) for level in LEVELS if counts[level]]
    return ", ".join(said) or "nothing is different here"
