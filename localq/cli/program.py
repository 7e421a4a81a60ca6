"""The program `localq`: its commands, loaded when they are called, and how its errors end it.

A command module defines click commands as module-level names, which COMMANDS lists; `localq --help` imports
no such module.
"""

from __future__ import annotations

import errno
import sys
from typing import Any, NamedTuple

import click

import localq
from localq.app import LocalQ
from localq.cli import exit_codes
from localq.cli.app_option import app_parameters
from localq.cli.daemon.detach import is_detached
from localq.cli.daemon.identity import become
from localq.cli.help_text import HelpContext, fitting
from localq.exceptions import ImproperlyConfigured, LocalQError, QueryError, ScheduleError, StoreError, StoreVersion
from localq.model.hints import nearest
from localq.settings.dotted_names import attribute

__all__ = ["COMMANDS", "Entry", "exit_code", "main", "run"]


class Entry(NamedTuple):
    """A command: where it is ("module:attribute"), the heading it stands under, and its line in the help."""

    target: str
    heading: str
    summary: str


#: Every command, in the order of the help.
COMMANDS = {
    "worker": Entry("localq.cli.commands.worker:worker", "Run", "Run jobs."),
    "beat": Entry("localq.cli.commands.beat:beat", "Run", "Fire schedules."),
    "serve": Entry("localq.cli.commands.worker:serve", "Run", "Run all that a queue needs: jobs and schedules."),
    "flower": Entry("localq.cli.commands.flower:flower", "Run", "Serve the dashboard alone."),
    "multi": Entry("localq.cli.commands.multi:multi", "Run", "Run several workers in the background."),
    "call": Entry("localq.cli.commands.call:call", "Run", "Enqueue a job by the name of its task."),
    "status": Entry("localq.cli.commands.status:status", "Look", "Show workers, queues and counts."),
    "top": Entry("localq.cli.commands.top:top", "Look", "Show what goes on, live."),
    "inspect": Entry("localq.cli.commands.inspect:inspect", "Look", "Ask workers what they do."),
    "events": Entry("localq.cli.commands.events:events", "Look", "Show what workers do, as it happens."),
    "list": Entry("localq.cli.commands.jobs:list_", "Look", "Show jobs."),
    "result": Entry("localq.cli.commands.result:result", "Look", "Show a job's state, result and attempts."),
    "logs": Entry("localq.cli.commands.logs:logs", "Look", "Show what a job has printed, live with -f."),
    "why": Entry("localq.cli.commands.why:why", "Look", "Say why a job does not run."),
    "schedules": Entry("localq.cli.commands.schedules:schedules", "Look", "Show schedules, explain and change them."),
    "cron": Entry("localq.cli.commands.cron:cron", "Look", "Check a cron expression, or show when it is due."),
    "graph": Entry("localq.cli.commands.inside:graph", "Look", "Draw workers and queues, for Graphviz."),
    "report": Entry("localq.cli.commands.inside:report", "Look", "Show versions and settings, for a bug report."),
    "shell": Entry("localq.cli.commands.inside:shell", "Look", "Start a Python shell that knows the tasks."),
    "workflow": Entry("localq.cli.commands.workflow:workflow", "Look", "Draw the workflow a job belongs to."),
    "retry": Entry("localq.cli.commands.changes:retry", "Change", "Run finished jobs again."),
    "cancel": Entry("localq.cli.commands.changes:cancel", "Change", "Cancel jobs."),
    "purge": Entry("localq.cli.commands.changes:purge", "Change", "Remove jobs that wait."),
    "import-celery": Entry(
        "localq.cli.commands.import_celery:import_celery", "Change", "Continue from the last runs of Celery's beat."
    ),
    "migrate": Entry("localq.cli.commands.migrate:migrate", "Change", "Move everything into another store."),
    "control": Entry("localq.cli.commands.control:control", "Change", "Tell workers what to do."),
    "pause": Entry("localq.cli.commands.control:pause", "Change", "Let no worker take jobs from queues."),
    "resume": Entry("localq.cli.commands.control:resume", "Change", "Let workers take jobs from queues again."),
    "doctor": Entry("localq.cli.commands.doctor:doctor", "Care", "Check the file and what is in it."),
    "backup": Entry("localq.cli.commands.doctor:backup", "Care", "Copy the file while it is in use."),
    "prune": Entry("localq.cli.commands.upkeep:prune", "Care", "Remove finished jobs that are old."),
    "compact": Entry("localq.cli.commands.upkeep:compact", "Care", "Give the room of removed jobs back."),
    "settings": Entry("localq.cli.commands.settings:settings", "Care", "Show settings, and what set them."),
    "check": Entry("localq.cli.commands.check:check", "Care", "Say what a project does that would be different here."),
    "upgrade": Entry("localq.cli.commands.settings:upgrade", "Care", "Give settings their names of today."),
    "help": Entry("localq.cli.commands.inside:help_", "Care", "Show how a command is used."),
    "version": Entry("localq.cli.commands.inside:version", "Care", "Show the version."),
    "bench": Entry("localq.cli.commands.bench:bench", "Care", "Measure what this machine and its disk let it do."),
    "demo": Entry("localq.cli.demo.command:demo", "Try", "Digest the files of a folder, one job a file."),
}


#: Celery's commands that are about a broker, and what there is instead.
_OF_BROKERS = {
    "amqp": " There is no broker to speak to: `localq status` shows the queues, `localq purge` empties them.",
    "logtool": " `localq list` and `localq result` show what became of jobs, `localq logs` what they printed.",
}


#: How like a command a word must be to be taken for a slip.
_LIKE = 0.7


def exit_code(error: LocalQError) -> int:
    """Return what the program exits with for an error."""
    if isinstance(error, StoreVersion):
        return exit_codes.TEMPFAIL
    if isinstance(error, StoreError):
        return exit_codes.IOERR
    asked_wrongly = isinstance(error, ImproperlyConfigured | QueryError | ScheduleError)
    return exit_codes.USAGE if asked_wrongly else exit_codes.SOFTWARE


class _Commands(click.Group):
    """A group that imports a command's module when the command is called."""

    context_class = HelpContext

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, self._in_order(args))
        except click.NoSuchOption as error:
            hint = "Name the command that has it, such as worker: localq -A tasks worker -l info"
            raise click.UsageError(f"{error.format_message()} {hint}", ctx) from None

    def _in_order(self, args: list[str]) -> list[str]:
        """Put options that stand before the command, and are not the program's own, behind it, as Celery takes them."""
        own = {name for param in self.params for name in (*param.opts, *param.secondary_opts)} | {"-h", "--help"}
        valued = {name for param in self.params if not getattr(param, "is_flag", False) for name in param.opts}
        front: list[str] = []
        moved: list[str] = []
        words = iter(range(len(args)))
        for at in words:
            word = args[at]
            if word in COMMANDS:
                return [*front, word, *moved, *args[at + 1 :]]
            mine = word.partition("=")[0] in own or (word[:2] in own and not word.startswith("--"))
            (front if mine else moved).append(word)
            if word in valued and at + 1 < len(args):
                front.append(args[next(words)])
        return args

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EBADF, errno.EIO):
                raise
            # What is left in the buffer cannot be written either, and Python would say so once more at its end.
            sys.stdout = None
            click.echo(f"localq: error: the output cannot be written: {error.strerror}", err=True)
            sys.exit(exit_codes.IOERR)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        loaded = attribute(entry.target)
        assert isinstance(loaded, click.Command), entry.target
        return fitting(loaded)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = _OF_BROKERS.get(args[0]) or nearest(args[0], list(COMMANDS), _LIKE)
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headings = dict.fromkeys(entry.heading for entry in COMMANDS.values())
        width = max(map(len, COMMANDS))
        for heading in headings:
            rows = [(name.ljust(width), e.summary) for name, e in COMMANDS.items() if e.heading == heading]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LocalQError as error:
            click.echo(f"localq: error: {error}", err=True)
            sys.exit(exit_code(error))


def run(words: list[str], app: LocalQ) -> int:
    """Be the program for an app, which commands that name none are about; return the exit code."""
    try:
        # What a command exits with is returned here, and not raised; those that end otherwise return nothing.
        code = main.main(words, prog_name="localq", obj=app, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 1
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return code if isinstance(code, int) else 0


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@app_parameters
@click.option("--workdir", metavar="FOLDER", help="Work there; before anything is imported.")
@click.version_option(localq.__version__, "-V", "--version", prog_name="localq", message="%(prog)s %(version)s")
def main(workdir: str | None, **app: str | None) -> None:
    """Durable background jobs in one SQLite file, run by a pool of processes.

    Name the queue with -A, before or after the command; or, where no task needs to be known, with --path or
    --url.
    """
    if workdir is not None and not is_detached():
        become(workdir, None, None, None)
