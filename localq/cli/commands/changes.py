"""`localq retry`, `cancel` and `purge`: change what is in the store."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import click

from localq import states
from localq.app import LocalQ
from localq.cli import completion, exit_codes
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, no_job
from localq.cli.lookup import names as split
from localq.cli.screen import numbered, printable
from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.model.worker import WorkerState
from localq.monitor.jobs import STATES, job_called, jobs_in, unfinished_family, wanted
from localq.monitor.queues import queues_left
from localq.result import signal_number
from localq.store.protocol import Store

__all__ = ["cancel", "purge", "retry"]

#: Jobs changed in one transaction.
_AT_ONCE = 500
_FINAL = [name for name, where in STATES.items() if all(state.final for state in where)]


# Running again


@click.command()
@click.argument("job_ids", nargs=-1, metavar="[ID]...", shell_complete=completion.ids)
@click.option(
    "--state",
    "names",
    multiple=True,
    metavar="NAME",
    help="All that ended so: FAILURE, REVOKED or SUCCESS.",
    shell_complete=completion.state_names,
)
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME",
    help="With --state: only jobs of this task.",
    shell_complete=completion.tasks,
)
@app_options
@click.pass_context
def retry(
    context: click.Context, app: LocalQ, job_ids: Sequence[str], names: Sequence[str], tasks: Sequence[str]
) -> None:
    """Run finished jobs again, with the same arguments.

    They keep their ids and their attempts; retries and crashes are counted anew. An ID may be the start or
    the end of one. Ends with 1 if a job named was not finished, with 4 if one is unknown.
    """
    if bool(job_ids) == bool(names):
        raise click.UsageError("Name the jobs by their ids, or by --state: one of the two.")
    if tasks and not names:
        raise click.UsageError("--task goes with --state, as in --state FAILURE --task NAME.")
    store = existing(app)
    if names:
        _check_final(names)
        found: Iterable[Job] = jobs_in(store.read, wanted(store.read, names, tasks=tasks))
        _say_again(store, sum(len(app.requeue([job.id for job in some])) for some in _batches(found)))
        return
    jobs, code = _named(store, job_ids)
    again = set(app.requeue([job.id for job in jobs]))
    for job in jobs:
        if job.id not in again:
            state = states.public_state(job)
            click.echo(f"{printable(job.id)} is {state}: only finished jobs run again.", err=True)
            code = code or exit_codes.FAILED
    _say_again(store, len(again))
    context.exit(code)


def _check_final(names: Sequence[str]) -> None:
    for name in names:
        if name.upper() not in _FINAL:
            raise click.UsageError(
                f"--state {name}: only finished jobs run again.{nearest(name.upper(), _FINAL)} "
                f"Known: {', '.join(_FINAL)}."
            )


def _batches(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    source = iter(jobs)
    while batch := list(islice(source, _AT_ONCE)):
        yield batch


def _say_again(store: Store, count: int) -> None:
    click.echo(f"{numbered(count, 'job runs', 'jobs run')} again.")
    if count and not any(row.state == WorkerState.ALIVE for row in store.workers.all()):
        click.echo("No worker is there now: they wait for one.", err=True)


def _named(store: Store, names: Sequence[str]) -> tuple[list[Job], int]:
    """Return the jobs of ids, each once, and the exit code: exit_codes.UNKNOWN if some are not known."""
    code = 0
    found: dict[str, Job] = {}
    for name in names:
        job = job_called(store.read, name)
        if job is None:
            click.echo(no_job(store, name), err=True)
            code = exit_codes.UNKNOWN
        else:
            found[job.id] = job
    return list(found.values()), code


# Cancelling


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="ID...", shell_complete=completion.ids)
@click.option("--terminate", is_flag=True, help="Stop running ones too.")
@click.option("--signal", metavar="NAME", help="Stop running ones with it, not TERM.")
@click.option("--workflow", "whole", is_flag=True, help="Cancel all of the workflows they belong to.")
@app_options
@click.pass_context
def cancel(
    context: click.Context, app: LocalQ, job_ids: Sequence[str], terminate: bool, signal: str | None, whole: bool
) -> None:
    """Cancel jobs, for good: what waits never runs.

    A running job goes on, but does not run again; --terminate stops it. An ID may be the start or the end
    of one. Ends with 1 if a job was finished already, with 4 if one is unknown.
    """
    number = 0
    if terminate or signal is not None:
        try:
            number = signal_number(signal)
        except ValueError:
            raise click.UsageError(f"--signal {signal}: no such signal here; try TERM or KILL.") from None
    store = existing(app)
    jobs, code = _named(store, job_ids)
    if whole:
        jobs = unfinished_family(store.read, jobs)
        if not jobs:
            click.echo("Nothing of it is left to cancel.", err=True)
            code = code or exit_codes.FAILED
    before = app.cancel([job.id for job in jobs], signal=number)
    for job in jobs:
        was = before.get(job.id)
        click.echo(f"{printable(job.id)}: {_cancelled(was, number)}")
        if was is None or was.final:
            code = code or exit_codes.FAILED
    context.exit(code)


def _cancelled(was: JobState | None, number: int) -> str:
    if was is None:
        return "was removed meanwhile"
    if was.final:
        return "had finished already"
    if was == JobState.RUNNING:
        return "is being stopped" if number else "is running and will not run again; --terminate stops it"
    return "cancelled"


# Purging


@click.command()
@click.option(
    "-Q",
    "--queues",
    metavar="NAMES",
    help="Only from these, parted by commas; default: all.",
    shell_complete=completion.queues,
)
@click.option("-X", "--exclude-queues", "excluded", metavar="NAMES", help="Not from these.")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@app_options
def purge(app: LocalQ, queues: str | None, excluded: str | None, force: bool) -> None:
    """Remove the jobs that wait; running and finished ones stay.

    Asks first. Where nobody can be asked -f is needed.
    """
    store = existing(app)
    named, kept = split(queues), split(excluded) or []
    if named == []:
        raise click.UsageError("-Q names no queue.")
    names = queues_left(store, named, kept)
    stats = store.read.stats().counts
    for name in named or ():
        if not any(queue == name for queue, _ in stats):
            close = nearest(name, [queue for queue, _ in stats])
            click.echo(f"Note: no job is in queue {name!r}.{close}", err=True)
    waiting = sum(
        count
        for (queue, state), count in stats.items()
        if state < JobState.RUNNING and (names is None or queue in names)
    )
    where = printable(", ".join(names) if names else "all queues" if names is None else "the queues left")
    if not waiting:
        click.echo(f"No job waits in {where}: there is nothing to remove.")
        return
    if not force:
        _ask(f"{numbered(waiting, 'waiting job')} from {where}")
    count = store.jobs.purge(names)
    click.echo(f"{numbered(count, 'job')} removed.")


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"This would remove {what}, and nobody can be asked. Use -f.")
    click.confirm(f"Remove {what}?", abort=True)
