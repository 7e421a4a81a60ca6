"""`localq multi`: several workers in the background, started, stopped and restarted by their names."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

import click

from localq.cli.app_import import LoadError
from localq.cli.app_option import load_app
from localq.cli.commands.worker import worker
from localq.cli.daemon.nodes import Arguments, Node, Parsed, nodes_of, parse
from localq.cli.daemon.pidfile import default_files, lives
from localq.cli.daemon.started import living, remember
from localq.model.hints import nearest

__all__ = ["multi"]

#: Seconds between looks whether stopped workers have ended, and those without a word about it.
_LOOK_S, _WORD_S = 0.1, 2.0
_APP = ("-A", "--app", "--path", "--url", "-b", "--broker", "--config")
#: Commands about workers that were started before.
_ABOUT_STARTED = ("stop", "stopwait", "stop_verify", "kill", "restart")


#: The mark keeps the lines below it as they are.
_HELP = """Run several workers in the background.

\b
  start NAMES [worker options]     start workers
  stop NAMES [-SIG]                tell them to stop (default: TERM)
  stopwait NAMES [-SIG]            and wait until they have
  restart NAMES [worker options]   stop, wait, start
  kill NAMES                       end them at once
  show NAMES [worker options]      show the command lines `start` would run
  names NAMES, get NAME NAMES      show their names; the command line of one
  expand TEMPLATE NAMES            show a text with %n, %h, %d and %N for each

NAMES are names of workers, or one number: 3 means celery1 to celery3. Options after a colon are for some:
-c:1 10, -Q:images,video slow, -l:1-3 INFO. Pid and log files lie beside the database, unless --pidfile and
--logfile say otherwise; %n stands for a worker's name.

\b
  localq multi start 3 -A tasks -c 2 -Q:1 images
  localq multi restart 3 -A tasks -c 2 -Q:1 images
  localq multi stopwait 3 -A tasks
"""


@click.command(help=_HELP, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND [NAMES] [OPTIONS]")
@click.pass_context
def multi(context: click.Context, words: tuple[str, ...]) -> None:
    """Run several workers in the background; see `_HELP`."""
    command, rest = (words[0], list(words[1:])) if words else ("help", [])
    if command == "help":
        click.echo(context.get_help())
        return
    act = _COMMANDS.get(command)
    if act is None:
        context.fail(f"There is no command {command!r}.{nearest(command, list(_COMMANDS))}")
    about = rest.pop(0) if command in ("expand", "get") and rest else ""
    parsed = parse(rest, Arguments(_takes_value))
    if not parsed.names:
        context.fail(f"Name the workers, or say how many: localq multi {command} NAMES")
    _take_app(parsed, context)
    nodes = nodes_of(parsed, *_files(parsed))
    if command in _ABOUT_STARTED and not {*_APP, "--pidfile"} & set(parsed.options):
        nodes = [_wherever(node) for node in nodes]
    context.exit(act(nodes, parsed, about))


def _wherever(node: Node) -> Node:
    """Return a worker with the pid file it was started with by this user, where none lies in the usual place."""
    if node.pid is not None:
        return node
    found = living(node.name)
    if len(found) > 1:
        files = ", ".join(found)
        raise LoadError(f"Several workers are called {node.name}: {files}. Say which, by -A, --path or --pidfile.")
    return node._replace(pidfile=found[0]) if found else node


def _takes_value(name: str) -> bool | None:
    """Say whether an option of a worker takes a value; None if it has no such option."""
    for option in worker.params:
        if isinstance(option, click.Option) and name in (*option.opts, *option.secondary_opts):
            return not option.is_flag
    return None


def _take_app(parsed: Parsed, context: click.Context) -> None:
    """Take the app from before the command, where it was not named after it."""
    before = context.find_root().params
    if not any(name in parsed.options for name in _APP):
        for option, name in (("-A", "spec"), ("--path", "path"), ("--url", "url")):
            if before.get(name) is not None:
                parsed.options[option] = before[name]


def _files(parsed: Parsed) -> tuple[str, str]:
    """Return where pid and log files go."""
    if "--pidfile" in parsed.options and {"--logfile", "-f"} & set(parsed.options):
        return "", ""
    given = parsed.options
    folder = given.get("--workdir")
    with contextlib.chdir(folder) if folder else contextlib.nullcontext():
        app = load_app(given.get("-A") or given.get("--app"), given.get("--path"), given.get("--url"))
        try:
            return default_files(app)
        finally:
            app.close()


def _say(parsed: Parsed, text: str, end: str = "\n") -> None:
    if not parsed.own.keys() & {"-q", "--quiet"}:
        click.echo(text, nl=end == "\n")


# Commands


def _start(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    _say(parsed, "> Starting workers...")
    codes = [_start_one(node, parsed) for node in nodes]
    return max(codes)


def _start_one(node: Node, parsed: Parsed) -> int:
    if "--verbose" in parsed.own:
        _say(parsed, f"    {node.shown()}")
    ended = subprocess.run(node.command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        remember(node.name, node.pidfile)
        _say(parsed, f"    > {node.name}: OK")
        return 0
    click.echo(f"    > {node.name}: FAILED\n{(ended.stderr or ended.stdout).rstrip()}", err=True)
    return 1


def _stop(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    _signal(nodes, parsed, signal.SIGTERM if parsed.signal is None else parsed.signal)
    return 0


def _stopwait(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    _wait(_signal(nodes, parsed, signal.SIGTERM if parsed.signal is None else parsed.signal), parsed)
    return 0


def _kill(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    for node, _pid in _signal(nodes, parsed, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.unlink(node.pidfile)
    return 0


def _restart(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    _stopwait(nodes, parsed, "")
    return _start(nodes, parsed, "")


def _signal(nodes: Sequence[Node], parsed: Parsed, number: int) -> list[tuple[Node, int]]:
    """Send a signal to workers; return those that got it."""
    name = signal.Signals(number).name.removeprefix("SIG") if number in list(signal.Signals) else str(number)
    told: list[tuple[Node, int]] = []
    _say(parsed, "> Stopping workers...")
    for node in nodes:
        pid = node.pid
        if pid is None:
            _say(parsed, f"    > {node.name}: DOWN (no process keeps {node.pidfile})")
            continue
        try:
            os.kill(pid, number)
        except PermissionError:
            raise LoadError(f"Cannot stop {node.name}: process {pid} belongs to another user.") from None
        _say(parsed, f"    > {node.name}: {name} -> {pid}")
        told.append((node, pid))
    return told


def _wait(told: list[tuple[Node, int]], parsed: Parsed) -> None:
    """Wait until workers have ended, however long their jobs take; say so now and then."""
    pause, turns = threading.Event(), 0
    while told:
        for node, pid in [one for one in told if not lives(one[1])]:
            _say(parsed, f"    > {node.name}: OK")
            told.remove((node, pid))
        if told and turns % round(_WORD_S / _LOOK_S) == 0:
            what = "1 worker" if len(told) == 1 else f"{len(told)} workers"
            _say(parsed, f"> Waiting for {what}: {', '.join(str(pid) for _, pid in told)}")
        turns += 1
        if told:
            pause.wait(_LOOK_S)


def _show(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    for node in nodes:
        click.echo(node.shown())
    return 0


def _names(nodes: Sequence[Node], parsed: Parsed, _: str) -> int:
    for node in nodes:
        click.echo(node.name)
    return 0


def _get(nodes: Sequence[Node], parsed: Parsed, wanted: str) -> int:
    for node in nodes:
        if wanted in (node.name, node.name.partition("@")[0]):
            click.echo(node.shown())
            return 0
    raise LoadError(f"There is no worker {wanted!r} among {', '.join(node.name for node in nodes)}.")


def _expand(nodes: Sequence[Node], parsed: Parsed, template: str) -> int:
    for node in nodes:
        click.echo(node.expand(template))
    return 0


_COMMANDS: dict[str, Callable[[Sequence[Node], Parsed, str], Any]] = {
    "start": _start,
    "stop": _stop,
    "stopwait": _stopwait,
    "stop_verify": _stopwait,
    "restart": _restart,
    "kill": _kill,
    "show": _show,
    "names": _names,
    "get": _get,
    "expand": _expand,
}
