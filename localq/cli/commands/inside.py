"""`localq shell`, `report` and `graph`: an app from the inside."""

from __future__ import annotations

import code
import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import click

import localq
from localq.app import LocalQ
from localq.cli.app_import import LoadError, import_module
from localq.cli.app_option import app_options
from localq.cli.celery_options import without_effect
from localq.cli.lookup import existing
from localq.cli.screen import printable
from localq.model.hints import nearest
from localq.model.secrets import without_passwords
from localq.model.worker import WorkerState
from localq.monitor import workers_graph
from localq.monitor.bug_report import report as told

__all__ = ["graph", "help_", "names", "report", "shell", "version"]


# Help


@click.command("help")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Show how a command is used; without one, all commands."""
    at = context.find_root()
    command: click.Command = at.command
    for word in words:
        found = command.get_command(at, word) if isinstance(command, click.Group) else None
        if found is None:
            known = command.list_commands(at) if isinstance(command, click.Group) else []
            raise click.UsageError(f"There is no command {' '.join(words)!r}.{nearest(word, known, 0.7)}", context)
        command, at = found, found.context_class(found, info_name=word, parent=at)
    click.echo(command.get_help(at))


@click.command()
def version() -> None:
    """Show the version."""
    click.echo(f"localq {localq.__version__}")


# A shell


@click.command()
@click.option("-I", "--ipython", "kind", flag_value="ipython", help="Use IPython.")
@click.option("-B", "--bpython", "kind", flag_value="bpython", help="Use bpython.")
@click.option("--python", "kind", flag_value="python", help="Use Python's own.")
@click.option("-T", "--without-tasks", is_flag=True, help="Leave the tasks out of the names.")
@without_effect("shell")
@app_options
def shell(app: LocalQ, kind: str | None, without_tasks: bool) -> None:
    """Start a Python shell that knows the app and its tasks.

    Names there: app, every task by its function's name, and what `localq` exports. Without an option the best
    shell that is installed is used.
    """
    for name in (*app.conf.imports, *app.conf.include):
        import_module(name)
    kind = kind or next(one for one in ("ipython", "bpython", "python") if _there(one))
    if not _there(kind):
        raise LoadError(f"{kind} is not installed: pip install {kind}, or use --python.")
    _SHELLS[kind](names(app, tasks=not without_tasks))


def names(app: LocalQ, *, tasks: bool = True) -> dict[str, Any]:
    """Return the names a shell knows; a task whose name is taken is left to `app.tasks`."""
    known = {name: getattr(localq, name) for name in localq.__all__}
    known.update(app=app, celery=app, q=app)
    if tasks:
        for task in app.tasks.values():
            known.setdefault(task.__name__, task)
    return known


def _there(kind: str) -> bool:
    module = {"ipython": "IPython", "bpython": "bpython"}.get(kind)
    return module is None or importlib.util.find_spec(module) is not None


def _ipython(known: dict[str, Any]) -> None:
    importlib.import_module("IPython").start_ipython(argv=[], user_ns=known)


def _bpython(known: dict[str, Any]) -> None:
    importlib.import_module("bpython").embed(known)


def _python(known: dict[str, Any]) -> None:
    banner = f"Python {sys.version.split()[0]}, LocalQ {localq.__version__}: {', '.join(sorted(known))}"
    # It only edits lines.
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")
    code.interact(banner, local=known, exitmsg="")


_SHELLS: dict[str, Callable[[dict[str, Any]], None]] = {"ipython": _ipython, "bpython": _bpython, "python": _python}


# Facts


@click.command()
@app_options
def report(app: LocalQ) -> None:
    """Show versions, the platform and the app's settings, for a bug report; without passwords."""
    click.echo(told(app), nl=False)


@click.command()
@click.argument("what", type=click.Choice(["workers"]), default="workers", metavar="")
@app_options
def graph(app: LocalQ, what: str) -> None:
    """Print the workers, and the queues they serve, in the language of Graphviz.

    For a picture: localq graph | dot -Tsvg > workers.svg
    """
    store = existing(app)
    queues = sorted({queue for queue, _ in store.read.stats().counts})
    workers = [(row.card, row.state) for row in store.workers.all() if row.state != WorkerState.GONE]
    click.echo(printable(workers_graph.dot(without_passwords(app.location), queues, workers), keep="\n"))
