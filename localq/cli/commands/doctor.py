"""`localq doctor` and `localq backup`: care for the file."""

from __future__ import annotations

import os

import click

from localq import store as stores
from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.lookup import existing
from localq.cli.screen import numbered, on_terminal, printable, show_json
from localq.exceptions import ImproperlyConfigured
from localq.model.sizes import size_text
from localq.monitor.health import Finding, examine, worst

__all__ = ["backup", "doctor"]

_EXIT = {"ok": 0, "note": 0, "warning": 1, "error": 2}
_MARKS = {"ok": ("✓", "green"), "note": ("·", "cyan"), "warning": ("!", "yellow"), "error": ("✗", "red")}


# Doctor


@click.command()
@click.option("--full", is_flag=True, help="Check every index of a large file too; that takes longer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
@click.pass_context
def doctor(context: click.Context, app: LocalQ, full: bool, as_json: bool) -> None:
    """Check the file and what is in it; say what is wrong and what to do.

    Nothing is changed, and a missing file is not made. Ends with 0 if all is well, 1 after warnings, 2 after
    errors. Where the output is no terminal, each finding is a line of fields parted by tabs: level (ok, note,
    warning, error), check, what was found, advice.
    """
    store = app.store
    if not store.shared:
        raise ImproperlyConfigured("This app keeps its jobs in memory: there is no file to check.")
    found = examine(app.location, durability=app.conf.durability, full=full, clock=app.clock, outbox=app.wishes.outbox)
    level = worst(found)
    if as_json:
        show_json({"file": store.name, "level": level, "findings": [one._asdict() for one in found]})
    elif on_terminal():
        _show(store.name, found, level)
    else:
        for one in found:
            click.echo("\t".join(printable(field) for field in one))
    context.exit(_EXIT[level])


def _show(path: str, found: list[Finding], level: str) -> None:
    click.echo(printable(path))
    for one in found:
        mark, colour = _MARKS[one.level]
        click.echo(f"{click.style(mark, fg=colour)} {printable(one.what)}")
        if one.advice:
            click.echo(f"    {printable(one.advice)}")
    grave = sum(one.level == level for one in found)
    click.echo(f"{grave} {level}{'s' if grave > 1 else ''}." if _EXIT[level] else "All is well.")


# Backup


@click.command()
@click.argument("target", metavar="FILE", type=click.Path())
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@app_options
def backup(app: LocalQ, target: str, force: bool) -> None:
    """Copy the whole store into FILE, while it is in use.

    The copy is one moment's, complete and checked: every job whose enqueue had returned is in it. FILE is
    there whole or not at all, and only its owner can read it. To restore it, put it where the app expects its
    file.
    """
    path = existing(app).name
    target = os.path.abspath(target)
    _check_target(path, target, force)
    jobs = stores.backup(app.location, target)
    size = os.stat(target).st_size
    many = f"{numbered(jobs, 'job')}"
    click.echo(f"{many}, {size:,} bytes ({size_text(size)}) in {printable(target)}")


def _check_target(path: str, target: str, force: bool) -> None:
    if os.path.isdir(target):
        raise click.UsageError(f"{target} is a folder. Name a file in it.")
    if not os.path.isdir(os.path.dirname(target)):
        raise click.UsageError(f"There is no folder {os.path.dirname(target)}.")
    if not os.path.lexists(target):
        return
    if os.path.exists(target) and os.path.samefile(path, target):
        raise click.UsageError(f"{target} is the store itself. Choose another file.")
    if not force:
        raise click.UsageError(f"{target} is there already. Choose another name, or replace it with --force.")
    if os.path.exists(f"{target}-wal"):
        raise click.UsageError(f"{target} seems to be in use: {target}-wal is beside it, and would spoil the copy.")
