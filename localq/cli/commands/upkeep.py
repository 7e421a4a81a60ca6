"""`localq prune` and `localq compact`: remove what is old, and give its room back."""

from __future__ import annotations

import re

import click

from localq import store as stores
from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.lookup import existing
from localq.cli.screen import numbered
from localq.model.job import JobState
from localq.model.sizes import size_text

__all__ = ["compact", "prune"]

#: Jobs removed in one transaction.
_AT_ONCE = 500
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw]?)\s*")


@click.command()
@click.option(
    "--older", metavar="AGE", help="Those that finished so long ago: 90s, 30m, 12h, 7d, 2w. Default: result_expires."
)
@app_options
def prune(app: LocalQ, older: str | None) -> None:
    """Remove finished jobs that are old.

    What workers do by themselves, now: jobs go with their results and attempts. A job of a workflow stays until
    all of the workflow is old enough; what waits or runs stays. The room is used again; `localq compact` gives it
    back.
    """
    kept = app.conf.result_expires if older is None else _seconds(older)
    if kept is None:
        raise click.UsageError("result_expires is None: results are kept for ever. Say --older 30d, or another age.")
    store = existing(app)
    before = app.clock.now() - int(kept * 1_000_000)
    finished = sum(count for (_, state), count in store.read.stats().counts.items() if JobState(state).final)
    # A look that removes nothing may have gone past jobs of unfinished workflows: the next one goes on behind them.
    removed, in_vain = 0, 0
    while in_vain <= finished // _AT_ONCE + 1:
        count = store.jobs.prune(before, _AT_ONCE)
        removed += count
        in_vain = 0 if count else in_vain + 1
    click.echo(f"{numbered(removed, 'job')} removed.")


def _seconds(age: str) -> float:
    found = _AGE.fullmatch(age)
    if found is None:
        raise click.UsageError(f"--older {age}: an age is a number and a unit: 90s, 30m, 12h, 7d, 2w.")
    return float(found[1]) * _UNITS[found[2] or "s"]


@click.command()
@app_options
def compact(app: LocalQ) -> None:
    """Make the file as small as what is in it, while it is in use.

    A little at a time, so that programs that use the file go on. Workers do it by themselves where a quarter of a
    file, and 4 MB, are unused.
    """
    existing(app)
    before, after = stores.compact(app.location)
    click.echo(f"{size_text(before)} before, {size_text(after)} now.")
