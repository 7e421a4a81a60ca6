"""`localq why`: why a job does not run."""

from __future__ import annotations

import click

from localq.app import LocalQ
from localq.cli import completion
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, known
from localq.cli.screen import printable, show_json
from localq.monitor.job_world import world_of
from localq.monitor.jobs import error_now
from localq.monitor.why_not import why_not

__all__ = ["why"]


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=completion.ids)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def why(app: LocalQ, job_id: str, as_json: bool) -> None:
    """Say in a sentence why a job does not run.

    ID may be the start or the end of an id. The answer is of this moment: what a worker does next may change it.
    """
    store = existing(app)
    job = known(store, job_id)
    task = app.tasks.find(job.task)
    own_rate = None if task is None else task.rate_limit
    now = app.clock.now()
    reason = why_not(job, world_of(store, job, now, own_rate=own_rate), now)
    if as_json:
        show_json({"id": job.id, "kind": reason.kind, "reason": reason.english(), "jobs": list(reason.jobs)})
        return
    click.echo(printable(reason.english()))
    error = error_now(store.read.seen([job.id])[job.id]) if reason.kind in ("failed", "culprit") else None
    if error is not None:
        click.echo(f"  {printable(error)}")
    for other in reason.jobs:
        click.echo(f"  {printable(other)}")
