"""`localq import-celery`: go on from where Celery's beat left off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.screen import printable, show_table
from localq.contrib.celery.beat_file import last_runs
from localq.exceptions import ImproperlyConfigured
from localq.model.clock import from_datetime

__all__ = ["import_celery"]

#: The entry with which Celery removes old results; workers of LocalQ do that by themselves.
_CLEANUP = "celery.backend_cleanup"
_EXIT_NOTHING = 1


@click.command("import-celery")
@click.argument("file", type=click.Path(path_type=Path))
@app_options
def import_celery(app: LocalQ, file: Path) -> None:
    """Continue the configured schedules from their last runs under Celery's beat.

    FILE is beat's own, usually celerybeat-schedule. Only names and last runs are read from it, and no code in it
    is run. Stop beat first. Schedules that have run here already keep their own times. Ends with 1 if no schedule
    was found to go on.
    """
    app.import_tasks()
    if not app.schedules.is_configured:
        raise ImproperlyConfigured("The app configures no schedules. Name the one that does: -A module.")
    found = last_runs(file)
    taken = app.schedules.adopt({name: from_datetime(when) for name, when in found.items()})
    rows = [(name, found[name].isoformat(sep=" ", timespec="seconds"), _told(app, name, taken)) for name in found]
    show_table(("name", "last run", "outcome"), rows)
    if not any(taken.values()):
        click.echo(f"Nothing to go on from was found in {printable(file)}.", err=True)
        raise click.exceptions.Exit(_EXIT_NOTHING)


def _told(app: LocalQ, name: str, taken: Mapping[str, bool]) -> str:
    if name == _CLEANUP and name not in taken:
        return "not needed: workers remove old results by themselves"
    if name not in taken:
        return "not a schedule of this app"
    one = app.schedules.get(name)
    if not taken[name]:
        return f"has run here already: last at {_shown(one.last)}"
    return f"goes on: next at {_shown(one.next)}"


def _shown(when: datetime | None) -> str:
    return "-" if when is None else when.isoformat(sep=" ", timespec="seconds")
