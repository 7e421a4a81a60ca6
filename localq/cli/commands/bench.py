"""`localq bench`: what this machine and its disk let LocalQ do, and what to make of it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from types import FrameType

import click

from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.bench.measure import Figures, ServerFigures, measure, measure_server
from localq.cli.bench.verdict import shown, verdict
from localq.cli.screen import on_terminal, printable, show_json, show_table
from localq.exceptions import ImproperlyConfigured, StoreError, StoreFull, StoreReadOnly
from localq.model.secrets import without_passwords
from localq.store import trial
from localq.worker.build import processors

__all__ = ["bench"]

_INTERRUPTED = 130
#: Characters of a line of the verdict.
_WIDE = 100


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="How long it measures.",
)
@click.option("-c", "--concurrency", type=click.IntRange(min=1), metavar="N", help="Slots. Default: one a processor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def bench(app: LocalQ, seconds: float, concurrency: int | None, as_json: bool) -> None:
    """Measure what this machine and its disk, or a server, let LocalQ do; say what to make of it.

    In the folder of the app's file, or in the one that --path names; in a folder inside it that is removed at the
    end. The app's own file is not opened. Measured are the disk's syncs, calls at each durability, jobs added many
    at once, jobs run, the way from a call to its result, and the processor's share of each.

    Where the app's jobs are on a server, or --url names one, that is measured instead: the way to it and back, and all
    that follows, under a prefix (Redis) or in a schema (PostgreSQL) of its own, which is removed at the end.

    Where the output is no terminal, each line has a name and a figure, parted by a tab; those of the verdict begin
    with `verdict`.
    """
    slots = concurrency or processors()
    try:
        with _ended_by_signal():
            if _on_server(app.location):
                _measure_server(app.location, seconds, slots, as_json)
            else:
                _measure_folder(_folder(app), seconds, slots, as_json)
    except KeyboardInterrupt:
        click.echo("Interrupted. What it had written is removed.", err=True)
        sys.exit(_INTERRUPTED)


def _on_server(place: str) -> bool:
    return "://" in place and not place.startswith("sqlite:")


def _measure_server(url: str, seconds: float, slots: int, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="localq-bench-") as logs, trial(url) as own:
        figures = measure_server(own, os.path.join(logs, "log"), seconds, slots, _tell)
    _show("server", without_passwords(url), figures, as_json)


def _measure_folder(folder: str, seconds: float, slots: int, as_json: bool) -> None:
    try:
        with _inside(folder) as inner:
            figures = measure(inner, seconds, slots, _tell)
    except OSError as error:
        raise _explained(error, folder) from error
    _show("folder", folder, figures, as_json)


def _folder(app: LocalQ) -> str:
    """Return where to measure."""
    place = app.location.removeprefix("sqlite:///")
    if place == ":memory:" or "://" in place:
        raise ImproperlyConfigured(
            "This app keeps its jobs in no file. Name a folder to measure: localq bench --path FOLDER"
        )
    folder = place if os.path.isdir(place) else os.path.dirname(place)
    if not os.path.isdir(folder):
        raise click.UsageError(f"There is no folder {printable(folder)}.")
    return folder


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[str]:
    """Make a folder for the length of a block, and remove it with all that is in it."""
    inner = tempfile.mkdtemp(prefix="localq-bench-", dir=folder)
    try:
        yield inner
    finally:
        shutil.rmtree(inner, ignore_errors=True)


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(what: str) -> None:
    """Say what is measured, where a person waits for it; nothing moves, for that would be measured too."""
    if on_terminal():
        click.echo(f"Measuring {what} ...", err=True)


def _explained(error: OSError, folder: str) -> StoreError:
    """Return the error that says why a folder could not be measured."""
    said = f"{printable(folder)} cannot be measured: {error.strerror or error}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(
            f"{said} It needs some 50 MB for a moment; free some space, or name another folder with --path."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(f"{said} Check its owner and mode, or name another folder with --path.")
    return StoreError(said)


def _show(kind: str, place: str, figures: Figures | ServerFigures, as_json: bool) -> None:
    said = verdict(figures)
    if as_json:
        show_json({kind: place, **figures._asdict(), "verdict": said})
    elif on_terminal():
        click.echo(printable(place))
        show_table(("measured", "figure"), shown(figures))
        click.echo()
        for sentence in said:
            click.echo(textwrap.fill(sentence, min(shutil.get_terminal_size().columns, _WIDE)))
    else:
        for name, value in figures._asdict().items():
            if value is not None:
                click.echo(f"{name}\t{value:.6g}")
        for sentence in said:
            click.echo(f"verdict\t{sentence}")
