"""`localq logs`: what a job has printed and logged, run by run; live with `-f`."""

from __future__ import annotations

import sys
import time

import click

from localq.app import LocalQ
from localq.cli import completion, exit_codes
from localq.cli.app_option import app_options
from localq.cli.celery_options import is_quiet
from localq.cli.commands.result import outcome_code, run_line
from localq.cli.lookup import existing, known
from localq.cli.screen import numbered, printable
from localq.model.job import Job, JobState
from localq.monitor.job_output import Begun, Ended, Output, asked, owner_of
from localq.monitor.job_world import world_of
from localq.monitor.why_not import why_not
from localq.result import waiting
from localq.result.attempts import Run
from localq.store.protocol import Store

__all__ = ["logs"]

#: Seconds a worker waits for a task to say something, before it answers that there was nothing.
_WAIT_S = 10.0
#: Seconds between two questions about a task that has much to say.
_PAUSE_S = 0.2
#: Seconds after which a worker that has not answered is asked again.
_AGAIN_S = 2.0


@click.command()
@click.argument("job_id", metavar="ID", required=False, shell_complete=completion.ids)
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends, and end with 0, 1 or 4 as localq result.")
@app_options
@click.pass_context
def logs(context: click.Context, app: LocalQ, job_id: str | None, follow: bool) -> None:
    """Show what a job has printed and logged, run by run.

    ID may be the start or the end of an id. Of each run the last 16,384 characters are kept. What a run that goes on
    has said is asked of its worker. The text goes to standard output; which run it is, and how that ended, to
    standard error.
    """
    if job_id is None:
        raise click.UsageError(
            "Name a job: localq logs ID. localq list shows ids; localq list --state FAILURE those of jobs that failed."
        )
    store = existing(app)
    shown = _Shown(app, store, known(store, job_id))
    if not follow:
        context.exit(shown.once())
    try:
        context.exit(shown.to_the_end())
    except KeyboardInterrupt:
        context.exit(130)


class _Shown:
    """What is shown of a job."""

    def __init__(self, app: LocalQ, store: Store, job: Job) -> None:
        self._app, self._store, self._job = app, store, job
        self._output = Output()
        self._why = ""
        self._silent = False
        #: Whether anything was printed, and whether it ends a line.
        self._said, self._line_ended = False, True

    def once(self) -> int:
        """Show what there is; return the exit code."""
        self._show_ended()
        code = 0
        if self._job.state == JobState.RUNNING and not self._ask(0.0):
            code = exit_codes.UNAVAILABLE
        elif not JobState(self._job.state).final and not self._said:
            self._tell_why()
        elif not self._said:
            self._tell("It has printed nothing.")
        self._end_line()
        return code

    def to_the_end(self) -> int:
        """Show what comes until the job has ended; return the exit code."""
        while True:
            self._show_ended()
            if JobState(self._job.state).final:
                if not self._store.read.attempts(self._job.id):
                    self._tell_why()
                self._end_line()
                return outcome_code(self._job)
            if self._job.state != JobState.RUNNING:
                self._tell_why()
                self._await_change(None)
            elif self._ask(_WAIT_S):
                time.sleep(_PAUSE_S)
            elif not self._await_change(_AGAIN_S) and not self._silent:
                self._silent = True
                self._tell_why()

    # The store and the worker

    def _show_ended(self) -> None:
        """Read the job, and show the runs that have ended."""
        # In this order: the rows of a job that has ended are all there.
        self._job = known(self._store, self._job.id)
        for one in self._output.ended(self._store.read.attempts(self._job.id)):
            self._show_run(one)

    def _ask(self, wait_s: float) -> bool:
        """Show what a run that goes on has said; return whether there may be more at once."""
        worker = owner_of(self._store, self._job)
        told = None if worker is None else asked(self._app.control, worker, self._job.id, self._output.place, wait_s)
        if told is None:
            if not wait_s:
                who = "Its worker is gone" if worker is None else f"Its worker {worker} does not answer"
                self._tell(f"{who}: what this run has said so far is not known.")
            return False
        if told.run:
            self._silent = False
            self._show_part(self._output.goes_on(told), worker or "")
        return not told.over

    def _await_change(self, timeout: float | None) -> bool:
        """Wait until another run begins, or this one has ended."""
        before = self._job

        def changed() -> bool:
            now = self._store.read.get([before.id]).get(before.id)
            return now is None or (now.state, now.run_token) != (before.state, before.run_token)

        return waiting.wait(self._store.bells, (before.id,), changed, timeout)

    # The terminal

    def _show_part(self, part: Begun, worker: str) -> None:
        if part.first:
            self._tell(f"attempt {part.attempt} runs on {worker}")
        if part.lost:
            self._tell(f"(what came before this is not kept: {numbered(part.lost, 'character')})")
        self._print(part.text)

    def _show_run(self, one: Ended) -> None:
        run = Run.of(one.attempt)
        if one.first:
            self._tell(run_line(run))
        if one.cut:
            self._tell("(what came before this is not kept)")
        self._print(one.text)
        if not one.first:
            self._tell(run_line(run))
        if run.error:
            self._tell(f"    {run.error}")

    def _print(self, text: str) -> None:
        if text:
            self._said = True
            self._line_ended = text.endswith("\n")
            click.echo(printable(text, keep="\n\t"), nl=False)
            sys.stdout.flush()

    def _tell(self, line: str) -> None:
        """Say something about a run, beside what that has said."""
        if not is_quiet():
            self._end_line()
            click.secho(printable(line), err=True, dim=True)

    def _end_line(self) -> None:
        if not self._line_ended:
            click.echo()
            self._line_ended = True

    def _tell_why(self) -> None:
        """Say why the job does not run, each reason once."""
        task, now = self._app.tasks.find(self._job.task), self._app.clock.now()
        own_rate = None if task is None else task.rate_limit
        reason = why_not(self._job, world_of(self._store, self._job, now, own_rate=own_rate), now)
        if reason.kind != self._why:
            self._why = reason.kind
            self._tell(reason.english())
