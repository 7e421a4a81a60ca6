"""`localq demo`: digest every file below a folder, one job a file, on a pool of processes."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import sysconfig
import time
from typing import NamedTuple

import click
from rich.console import Console
from rich.filesize import decimal

from localq.cli.demo import tasks
from localq.cli.demo.run import Counted, Failed, Listing, Run, begin_run, find_run, job_id, list_run, new_run, waiting
from localq.cli.demo.view import Display, clock, report, say
from localq.cli.screen import numbered
from localq.store.protocol import Topic

__all__ = ["demo"]

#: Seconds between two looks at what has finished; and without a ring from the store.
_LOOK_EVERY_S, _LOOK_AT_LEAST_S = 0.1, 0.5
#: Seconds running jobs have to end after Ctrl-C before they are stopped and put back.
_PATIENCE_S = 3.0
_INTERRUPTED = 130


class _Done(NamedTuple):
    """A run that is complete."""

    listing: Listing
    counted: Counted
    failed: list[Failed]
    slots: int
    seconds: float


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--path", metavar="FILE", help="Where the jobs are kept. Default: $LOCALQ_PATH, or jobs.db.")
@click.option(
    "-c", "--concurrency", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one a processor."
)
@click.option("--resume", is_flag=True, help="Go on with the latest run, of FOLDER if that is given.")
@click.pass_context
def demo(context: click.Context, folder: str | None, path: str | None, concurrency: int | None, resume: bool) -> None:
    """Digest every file below FOLDER, one job a file.

    Without FOLDER, the files of this Python's standard library. Shows totals by language, duplicates and the
    largest files. Kill it in the middle, with kill -9 if you like: --resume finishes the rest, and every file
    counts once.
    """
    path = path or context.find_root().params.get("path") or os.environ.get("LOCALQ_PATH") or "jobs.db"
    tasks.q.relocate(path=path)
    # Where no terminal sets the width, names are not broken.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 1_000)
    run = _choose(console, folder, resume)
    try:
        done = _work(console, run, concurrency)
        tasks.q.stop()
    except KeyboardInterrupt:
        _interrupted(console, path)
        sys.exit(_INTERRUPTED)
    except OSError as error:
        raise click.ClickException(f"{run.folder} cannot be listed: {error.strerror or error}") from error
    finally:
        tasks.q.stop(_PATIENCE_S)
    report(console, done.counted.digested, done.failed, done.listing.left_out)
    _tell(console, run, path, done)
    tasks.q.close()


def _choose(console: Console, folder: str | None, resume: bool) -> Run:
    """Return the run to go on with, or a new one, and say which."""
    latest = find_run(tasks.q, folder)
    if resume and latest is not None:
        say(console, f"Going on with run {latest.id} of {latest.folder}")
        return latest
    run = new_run(folder or os.path.realpath(sysconfig.get_path("stdlib")))
    if resume:
        say(console, "There is no run to go on with; this is a new one.")
    elif latest is not None and latest.folder == run.folder and waiting(tasks.q, latest):
        say(
            console,
            f"Run {latest.id} of this folder is unfinished and stays as it is; --resume would go on with it.",
        )
    # Before it is told of: whoever sees its name, and kills it, can resume it.
    begin_run(tasks.q, run)
    say(console, f"Run {run.id} of {run.folder}")
    return run


# Working


def _work(console: Console, run: Run, concurrency: int | None) -> _Done:
    """Do what is left of a run; the worker starts before anything else may start a thread."""
    q = tasks.q
    q.start(concurrency, queues=(run.id,))
    began = time.monotonic()
    display = Display(console)
    with display.live():
        listing = list_run(q, run, display.listing)
        counted = Counted(q, run, listing.files)
        _follow(counted, display)
    seconds = time.monotonic() - began
    slots = [row.card.concurrency for row in q.store.workers.all() if row.card.pid == os.getpid()][-1]
    failed = counted.failed + [Failed(None, name, reason) for name, reason in listing.unlisted]
    return _Done(listing, counted, failed, slots, seconds)


def _follow(counted: Counted, display: Display) -> None:
    """Add the jobs while they are run already; look when some have finished, ten times a second at most."""
    bell = tasks.q.store.bells.hang(Topic.RESULTS)
    try:
        while True:
            looked_at = time.monotonic()
            if not counted.all_added:
                counted.add()
            display.look(counted.look())
            if counted.finished:
                return
            if counted.all_added:
                bell.wait(_LOOK_AT_LEAST_S)
                time.sleep(max(0.0, looked_at + _LOOK_EVERY_S - time.monotonic()))
                bell.drain()
    finally:
        bell.close()


# Telling


def _interrupted(console: Console, path: str) -> None:
    """Stop, and say how to go on; a second Ctrl-C ends the patience with what runs."""
    say(console, "Stopping: running jobs have a moment to end.")
    with contextlib.suppress(KeyboardInterrupt):
        tasks.q.stop(_PATIENCE_S)
    say(console, f"What is done is kept. To go on:  localq demo --resume{_path_option(path)}")


def _tell(console: Console, run: Run, path: str, done: _Done) -> None:
    """Say what it took, where everything is, and what to try next."""
    counted = done.counted
    fresh = counted.done - counted.before
    files = len(done.listing.files)
    took = f"{_duration(done.seconds)} on {done.slots} process{'es' if done.slots > 1 else ''}"
    speed = f"{fresh / done.seconds:,.0f} files/s"
    if not counted.before:
        say(console, f"{numbered(files, 'file')}, a job each, in {took}: {speed}.")
    elif fresh:
        say(
            console,
            f"{numbered(files, 'file')}, a job each: {counted.before:,} done before, {fresh:,} now in {took}, {speed}.",
        )
    else:
        say(console, f"{numbered(files, 'file')}, a job each: all done before.")
    if counted.again:
        say(console, f"{numbered(counted.again, 'job')} ran again, since the process had died; each counts once.")
    where = tasks.q.location
    size = f" ({decimal(os.path.getsize(where))})" if os.path.exists(where) else ""
    say(console, f"Jobs and results are in {where}{size}.")
    say(console)
    say(console, "Try next:")
    for command in _commands(run, counted):
        say(console, f"  localq {command}{_path_option(path)}")
    say(console, "And in a browser:")
    say(console, f"  localq flower{_path_option(path)}")


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def _commands(run: Run, counted: Counted) -> list[str]:
    commands = ["list"]
    if counted.digested:
        largest = max(counted.digested, key=lambda one: one.size)
        commands.append(f"result {job_id(run, largest.number)}")
    if counted.failed:
        commands.append("list --args --state FAILURE")
    return commands


def _path_option(path: str) -> str:
    return f" --path {shlex.quote(path)}"
