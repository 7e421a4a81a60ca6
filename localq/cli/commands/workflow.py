"""`localq workflow`: the jobs of a workflow, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from localq import states
from localq.app import LocalQ
from localq.cli import completion
from localq.cli.app_option import app_options
from localq.cli.lookup import existing, known
from localq.cli.screen import iso, numbered, on_terminal, printable, show_json, took, when
from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT
from localq.monitor.jobs import short_ids
from localq.monitor.workflow_graph import Drawn, counted, dot, mermaid, tree
from localq.result.attempts import Run
from localq.store.protocol import Store

__all__ = ["workflow"]

#: Columns from which on ids and times are shown whole.
_WIDE = 120
#: Lines of less are wrapped.
_NARROW = 60
_STYLES = {
    states.SUCCESS: "green",
    states.FAILURE: "red",
    states.REVOKED: "yellow",
    states.STARTED: "cyan",
    states.RETRY: "magenta",
}


@click.command()
@click.argument("job_id", metavar="ID", shell_complete=completion.ids)
@click.option("--all", "show_all", is_flag=True, help="Show every job, of large groups too.")
@click.option("--dot", "as_dot", is_flag=True, help="Print it in Graphviz's language.")
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print it in Mermaid's language.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def workflow(app: LocalQ, job_id: str, show_all: bool, as_dot: bool, as_mermaid: bool, as_json: bool) -> None:
    """Draw the workflow a job belongs to, with states and times.

    ID is any job of it, or the start or the end of one's id. What comes after a job stands below it; what waits
    for many stands behind them. Of a group of more than ten, ten are shown: those that failed first.
    """
    if as_dot + as_mermaid + as_json > 1:
        raise click.UsageError("--dot, --mermaid and --json exclude each other.")
    store = existing(app)
    one = known(store, job_id)
    jobs, ties = store.read.family(one.workflow or one.id)
    if as_json:
        show_json(_told(one, jobs, ties))
    elif as_dot or as_mermaid:
        click.echo(printable((dot if as_dot else mermaid)(jobs, ties), keep="\n"))
    else:
        _show(store, one, jobs, tree(jobs, ties, len(jobs) if show_all else 10))


# Showing


def _show(store: Store, one: Job, jobs: Sequence[Job], lines: Sequence[Drawn]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    name = one.workflow or one.id
    count = f"{numbered(len(jobs), 'job')}"
    root = Tree(Text(f"workflow {name}: {count}, {counted(jobs)}"))
    console = Console(highlight=False, width=None if on_terminal() else 200)
    ids = [job.id for job in jobs]
    called = dict(zip(ids, short_ids(ids) if console.width < _WIDE else ids, strict=True))
    stack: list[tuple[Any, Drawn]] = [(root, line) for line in reversed(lines)]
    while stack:
        over, line = stack.pop()
        branch = over.add(_text(store, line, called))
        stack.extend((branch, deeper) for deeper in reversed(line.below))
    # Cut to a narrow line it would lose the counts and the ids.
    console.print(root, no_wrap=console.width >= _NARROW, overflow="ellipsis")


def _text(store: Store, line: Drawn, called: Mapping[str, str]) -> Any:
    from rich.text import Text

    job = line.job
    if job is None:
        return Text(f"... and {len(line.left_out):,} more: {counted(line.left_out)}", style="dim")
    shown = states.public_state(job)
    text = Text(f"{printable(job.task)} ")
    text.append(printable(shown), style=_STYLES.get(shown, ""))
    if line.waits_for > 1:
        text.append(f", after {line.waits_for:,} jobs")
    text.append(f"  {called.get(job.id, job.id)}", style="dim")
    text.append(_times(store, job, brief=called.get(job.id, "") != job.id))
    return text


def _times(store: Store, job: Job, *, brief: bool) -> str:
    """Return what the last run failed of, how long it took, and when the job ended or is due."""
    if job.state == JobState.SCHEDULED:
        return ", due when its rate limit allows" if job.run_at == PARKED_AT else f", due {when(job.run_at)}"
    if job.finished_at is None:
        return f", waits for {job.waits:,} more" if job.state == JobState.WAITING and job.waits else ""
    runs = [Run.of(one) for one in store.read.attempts(job.id)[-1:]]
    ran = [(run.ended - run.started).total_seconds() for run in runs if run.started is not None]
    spent = f", took {took(ran[0])}" if ran else ""
    error = f", {printable(str(runs[0].error).partition(chr(10))[0])}" if runs and runs[0].error else ""
    ended = when(job.finished_at)
    return f"{error}{spent}, ended {ended[11:19] if brief else ended}"


def _told(one: Job, jobs: Sequence[Job], ties: Sequence[Tie]) -> dict[str, Any]:
    known = {job.id for job in jobs}
    awaited: dict[str, list[str]] = {}
    for tie in ties:
        if tie.awaited in known:
            awaited.setdefault(tie.waiter, []).append(tie.awaited)
    return {
        "workflow": one.workflow or one.id,
        "jobs": [
            {
                "id": job.id,
                "task": job.task,
                "state": states.public_state(job),
                "after": awaited.get(job.id, []),
                "created_at": iso(job.created_at),
                "finished_at": iso(job.finished_at),
            }
            for job in jobs
        ],
    }
