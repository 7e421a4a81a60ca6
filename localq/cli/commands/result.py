"""`localq result`: look at one job."""

from __future__ import annotations

import json
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli import completion, exit_codes
from localq.cli.app_option import app_options
from localq.cli.celery_options import without_effect
from localq.cli.commands.jobs import call_facts, facts
from localq.cli.lookup import existing, known
from localq.cli.screen import iso, numbered, on_terminal, printable, show_json, took, when
from localq.exceptions import LocalQError
from localq.model.clock import from_datetime
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.orders import PARKED_AT
from localq.model.outcome import Ending
from localq.model.sizes import size_text
from localq.monitor.jobs import error_now
from localq.monitor.shown_call import shown_call
from localq.result import AsyncResult, waiting
from localq.result.attempts import Run
from localq.result.unattended import Unattended
from localq.serialization.sealing import open_result
from localq.settings import Settings
from localq.store.protocol import Seen, Store

__all__ = ["outcome_code", "result", "run_line", "value_text"]

#: Characters of a result shown on a terminal.
_MOST_SHOWN = 10_000
#: How an attempt ends that never ran.
_BEHIND = Ending.BEHIND.name
#: Characters of a call shown there.
_MOST_OF_CALL = 1_000


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=completion.ids)
@click.option("--traceback", is_flag=True, help="Show the tracebacks of errors.")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait so long for it to finish."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@without_effect("result")
@app_options
@click.pass_context
def result(
    context: click.Context, app: LocalQ, job_id: str, traceback: bool, wait_s: float | None, as_json: bool
) -> None:
    """Show a job's call, its state, its result or error, and its attempts.

    ID may be the start or the end of an id, if no other has that. Ends with 0 for a success, 1 for a failed or
    revoked job, 3 for one that is not finished, 4 for an unknown id.
    """
    store = existing(app)
    found: AsyncResult[Any] = AsyncResult(known(store, job_id).id, app)
    if wait_s is not None:
        waiting.wait(store.bells, (found.id,), found.ready, wait_s, Unattended(lambda: store))
    job = store.read.get([found.id], args=True).get(found.id) or known(store, found.id)
    if as_json:
        show_json(_told(app.conf, store, found, job, traceback))
    else:
        _show(app.conf, store, found, job, traceback)
    context.exit(outcome_code(job))


def outcome_code(job: Job) -> int:
    """Return what a program that asked for a job exits with: 0, 1 or 3."""
    if not JobState(job.state).final:
        return exit_codes.UNFINISHED
    failed = job.state != JobState.SUCCEEDED or states.public_state(job) in states.PROPAGATE_STATES
    return exit_codes.FAILED if failed else 0


def value_text(found: AsyncResult[Any]) -> str:
    """Return a job's result in Python's words, or why it cannot be shown here."""
    try:
        text = repr(found.result)
    except LocalQError as error:
        return f"(cannot be read here: {error})"
    except Exception as error:
        return f"(cannot be shown: its repr() raised {type(error).__name__})"
    if on_terminal() and len(text) > _MOST_SHOWN:
        text = f"{text[:_MOST_SHOWN]}... ({numbered(len(text) - _MOST_SHOWN, 'more character')}; --json prints all)"
    return text


def _show(conf: Settings, store: Store, found: AsyncResult[Any], job: Job, traceback: bool) -> None:
    facts: list[tuple[str, object]] = [
        ("id", job.id),
        ("task", job.task),
        ("call", shown_call(job, conf).line(_MOST_OF_CALL)),
        ("state", states.public_state(job)),
        ("queue", job.queue),
        ("created", when(job.created_at)),
    ]
    if job.state == JobState.SCHEDULED:
        facts.append(("due", "when its rate limit allows" if job.run_at == PARKED_AT else when(job.run_at)))
    if job.state == JobState.RUNNING:
        facts.append(("worker", _owner(store, job)))
    if job.finished_at is not None:
        facts.append(("finished", when(job.finished_at)))
    facts.extend(_outcome(found, job, store.read.seen([job.id])[job.id]))
    for name, value in facts:
        click.echo(f"{name + ':':<10}{printable(value)}")
    for run in found.attempts:
        _show_run(run, traceback)


def _outcome(found: AsyncResult[Any], job: Job, seen: Seen) -> list[tuple[str, object]]:
    if job.state == JobState.SUCCEEDED and job.shown is None:
        return [("result", value_text(found))]
    if job.shown is not None or job.state == JobState.RUNNING:
        said = value_text(found)
        return [] if said == "None" else [("info", said)]
    error = error_now(seen)
    return [] if error is None else [("error" if JobState(job.state).final else "after", error)]


def run_line(run: Run) -> str:
    """Return how a run ended, in a line."""
    spent = "" if run.started is None else f", took {took((run.ended - run.started).total_seconds())}"
    memory = "" if run.peak_memory is None else f", peak {size_text(run.peak_memory)}"
    ended = when(from_datetime(run.ended))
    where = f"on {printable(run.worker)}" if run.outcome != _BEHIND else "a job that did not succeed"
    return f"attempt {run.number}: {run.outcome} {where}, ended {ended}{spent}{memory}"


def _show_run(run: Run, traceback: bool) -> None:
    click.echo(f"\n{run_line(run)}")
    if traceback and run.traceback:
        click.echo(_indented(run.traceback))
    elif run.error:
        click.echo(_indented(run.error))
    if run.output:
        click.echo(f"  output:\n{_indented(run.output)}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in printable(text, keep="\n\t").rstrip().split("\n"))


def _owner(store: Store, job: Job) -> str:
    names = {row.key: f"{row.card.name} (process {row.card.pid})" for row in store.workers.all()}
    return names.get(job.owner or 0, "unknown")


def _opened(conf: Settings, job: Job, serializer: str, kept: bytes) -> bytes | None:
    """Return a result's JSON; None where it is none, or is not to be trusted."""
    try:
        return open_result(job.id, serializer, kept, conf) if serializer == "json" else None
    except LocalQError:
        return None


def _told(conf: Settings, store: Store, found: AsyncResult[Any], job: Job, traceback: bool) -> dict[str, Any]:
    seen = store.read.seen([job.id])[job.id]
    _, last, said = seen
    serializer = JobOptions.serializer_of(job.options)
    kept = last.result if last is not None and job.state == JobState.SUCCEEDED and job.shown is None else None
    text = None if kept is None else _opened(conf, job, serializer, kept)
    return {
        **facts(job),
        **call_facts(job, conf),
        "result": None if text is None else json.loads(text),
        "result_repr": value_text(found) if kept is not None and text is None else None,
        "info": None if said is None else json.loads(said),
        "error": error_now(seen),
        "worker": _owner(store, job) if job.state == JobState.RUNNING else None,
        "attempts": [_told_run(run, traceback) for run in found.attempts],
    }


def _told_run(run: Run, traceback: bool) -> dict[str, Any]:
    told = {
        "number": run.number,
        "worker": run.worker,
        "started_at": None if run.started is None else iso(from_datetime(run.started)),
        "ended_at": iso(from_datetime(run.ended)),
        "outcome": run.outcome,
        "error": run.error,
        "peak_memory_bytes": run.peak_memory,
        "output": run.output,
    }
    return {**told, "traceback": run.traceback} if traceback else told
