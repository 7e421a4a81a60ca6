"""`localq list`: look at jobs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli import completion
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, known
from localq.cli.screen import age, iso, on_terminal, show_json, show_table
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT
from localq.monitor.jobs import errors_of, jobs_in, wanted
from localq.monitor.shown_call import shown_call
from localq.serialization.sealing import SealSettings

__all__ = ["call_facts", "facts", "list_"]


@click.command("list")
@click.option(
    "--state",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only in this state; may be repeated.",
    shell_complete=completion.state_names,
)
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME",
    help="Only of this task; may be repeated.",
    shell_complete=completion.tasks,
)
@click.option(
    "-Q",
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME",
    help="Only of this queue; may be repeated.",
    shell_complete=completion.queues,
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many at most.")
@click.option(
    "--before", metavar="ID", help="Go on after this job: show older ones only.", shell_complete=completion.ids
)
@click.option("--args", "with_args", is_flag=True, help="Show what they were called with, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def list_(
    app: LocalQ,
    names: Sequence[str],
    tasks: Sequence[str],
    queues: Sequence[str],
    limit: int,
    before: str | None,
    with_args: bool,
    as_json: bool,
) -> None:
    """Show jobs, newest first.

    States are PENDING, STARTED, RETRY, SUCCESS, FAILURE and REVOKED; WAITING (for other jobs), SCHEDULED, READY
    and RUNNING ask for where a job is, whatever it is shown as; PROGRESS or any other name finds what tasks
    call their state. Where the output is no terminal, each job is a line of fields parted by tabs: id, task,
    state, queue, tries, age, error; with --args what they were called with comes before the error, without what tasks
    redact and what is called like a secret.
    """
    store, now = existing(app), app.clock.now()
    below = None if before is None else known(store, before).key
    which = wanted(store.read, names, tasks=tasks, queues=queues, before=below)
    found = list(itertools.islice(jobs_in(store.read, which), limit + 1))
    shown, more = found[:limit], len(found) > limit
    errors = errors_of(store.read, shown)
    called = store.read.get([one.id for one in shown], args=True) if with_args else {}
    if as_json:
        calls = {job_id: call_facts(one, app.conf) for job_id, one in called.items()}
        show_json([{**facts(one), **calls.get(one.id, {}), "error": errors.get(one.id)} for one in shown])
        return
    if shown:
        lines = {job_id: (shown_call(one, app.conf).line(),) for job_id, one in called.items()}
        nothing = ("",) if with_args else ()
        show_table(
            ("id", "task", "state", "queue", "tries", "age", *(("call",) if with_args else ()), "error"),
            [
                (*_row(one), age(one.created_at, now), *lines.get(one.id, nothing), errors.get(one.id, ""))
                for one in shown
            ],
        )
    else:
        click.echo("No such jobs." if names or tasks or queues or before else "There are no jobs.", err=True)
    if more and on_terminal():
        click.echo(f"There are more: add --before {shown[-1].id}", err=True)


def _row(job: Job) -> tuple[object, ...]:
    return job.id, job.task, states.public_state(job), job.queue, job.attempts


def call_facts(job: Job, conf: SealSettings) -> dict[str, Any]:
    """Return what a job was called with as other programs are told: without secrets, or why it is not shown.

    Args:
        job: Read with its arguments.
    """
    call = shown_call(job, conf)
    return {"args": call.args, "kwargs": call.kwargs, "args_note": call.note}


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
