"""`localq list`: look at jobs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, known
from localq.cli.screen import age, iso, on_terminal, show_json, show_table
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT
from localq.monitor.jobs import errors_of, jobs_in, wanted

__all__ = ["facts", "list_"]


@click.command("list")
@click.option("--state", "names", multiple=True, metavar="NAME", help="Only in this state; may be repeated.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only of this task; may be repeated.")
@click.option("-Q", "--queue", "queues", multiple=True, metavar="NAME", help="Only of this queue; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many at most.")
@click.option("--before", metavar="ID", help="Go on after this job: show older ones only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def list_(
    app: LocalQ,
    names: Sequence[str],
    tasks: Sequence[str],
    queues: Sequence[str],
    limit: int,
    before: str | None,
    as_json: bool,
) -> None:
    """Show jobs, newest first.

    States are PENDING, STARTED, RETRY, SUCCESS, FAILURE and REVOKED; WAITING (for other jobs), SCHEDULED, READY
    and RUNNING ask for where a job is, whatever it is shown as; PROGRESS or any other name finds what tasks
    call their state. Where the output is no terminal, each job is a line of fields parted by tabs: id, task,
    state, queue, tries, age, error.
    """
    store, now = existing(app), app.clock.now()
    below = None if before is None else known(store.read, before).key
    which = wanted(store.read, names, tasks=tasks, queues=queues, before=below)
    found = list(itertools.islice(jobs_in(store.read, which), limit + 1))
    shown, more = found[:limit], len(found) > limit
    errors = errors_of(store.read, shown)
    if as_json:
        show_json([{**facts(one), "error": errors.get(one.id)} for one in shown])
        return
    if shown:
        show_table(
            ("id", "task", "state", "queue", "tries", "age", "error"),
            [(*_row(one), age(one.created_at, now), errors.get(one.id, "")) for one in shown],
        )
    else:
        click.echo("No such jobs.", err=True)
    if more and on_terminal():
        click.echo(f"There are more: add --before {shown[-1].id}", err=True)


def _row(job: Job) -> tuple[object, ...]:
    return job.id, job.task, states.public_state(job), job.queue, job.attempts


def facts(job: Job) -> dict[str, Any]:
    """Return what is told of a job to other programs."""
    return {
        "id": job.id,
        "task": job.task,
        "state": states.public_state(job),
        "queue": job.queue,
        "priority": job.priority,
        "tries": job.attempts,
        "retries": job.retries,
        "crashes": job.crashes,
        "created_at": iso(job.created_at),
        # Of a job that waits for others these may be counted from when it no longer does.
        "run_at": None if job.state == JobState.WAITING or job.run_at == PARKED_AT else iso(job.run_at),
        "expires_at": None if job.state == JobState.WAITING else iso(job.expires_at),
        "finished_at": iso(job.finished_at),
    }
