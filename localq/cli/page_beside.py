"""The dashboard beside a worker: a process of its own, which lives as long as the worker does."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from localq.app import LocalQ
from localq.cli.app_option import loaded
from localq.host.interpreter import python

__all__ = ["page_beside", "page_options"]

#: Seconds that the page's process has to end by itself.
_END_S = 5.0


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about the dashboard to a command."""
    for option in (
        click.option("--address", default="127.0.0.1", show_default=True, metavar="HOST", help="Its address."),
        click.option("--port", type=click.IntRange(1, 65535), default=5555, show_default=True, help="Its port."),
        click.option("--page/--no-page", default=True, show_default=True, help="Serve the dashboard too."),
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def page_beside(app: LocalQ, port: int, address: str) -> Iterator[None]:
    """Serve the dashboard while the block runs; what fails of that is said, and does not keep jobs from running.

    The other process reads an input that never comes: when this one ends, however it does, that ends too.
    """
    words = _words(app, port, address)
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE)
    except OSError as error:
        click.echo(f"localq: the dashboard cannot be started: {error}", err=True)
        yield
        return
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        process.kill()
        process.wait()


def _words(app: LocalQ, port: int, address: str) -> Sequence[str]:
    """Return the command that serves the dashboard of an app at the place where this process uses it."""
    named = ["-A", loaded().name] if loaded().name else []
    place = ["--url", app.location] if "://" in app.location else ["--path", app.location]
    command = ["flower", "--port", str(port), "--address", address, "--while-input"]
    return [python(), "-m", "localq", *named, *place, *command]
