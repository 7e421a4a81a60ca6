"""`localq beat`: fire schedules in this process until told to stop."""

from __future__ import annotations

import os
import platform
import signal
import sys
from types import FrameType
from typing import Any

import click

import localq
from localq import log
from localq.app import LocalQ
from localq.app.frameworks import set_up
from localq.cli.app_import import import_module
from localq.cli.app_option import app_options, loaded
from localq.cli.celery_options import is_quiet, without_effect
from localq.cli.daemon.detach import daemon_options, said_when_ready
from localq.cli.daemon.files import Level, files_of, set_up_log
from localq.cli.daemon.pidfile import held
from localq.exceptions import ImproperlyConfigured
from localq.schedules.scheduler import Scheduler, beside
from localq.signals import beat_init
from localq.worker.program import start_anew

__all__ = ["beat"]

#: What %n stands for in the names of its files.
_NAME = "beat"


@click.command(short_help="Fire schedules.")
@click.option(
    "-l",
    "--loglevel",
    "level",
    type=Level(),
    default="INFO",
    show_default=True,
    help=f"Least level logged: {', '.join(log.LEVELS)}, or a number.",
)
@click.option("-f", "--logfile", metavar="FILE", help="Log there instead of standard error.")
@click.option(
    "-I",
    "--include",
    multiple=True,
    metavar="MODULE",
    help="A module to import for its tasks and schedules; may be repeated.",
)
@click.option(
    "--max-interval",
    "longest",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Seconds between looks when nothing changes.",
)
@without_effect("beat")
@daemon_options
@app_options
def beat(
    app: LocalQ,
    level: int,
    logfile: str | None,
    include: tuple[str, ...],
    longest: float | None,
    detach: bool,
    pidfile: str | None,
) -> None:
    """Fire schedules until told to stop by TERM or Ctrl-C.

    Jobs are run by workers: `localq worker`. Any number of these may run for one file, on its host, and beside
    those inside of `localq serve` and of programs: each instant fires once. HUP starts it anew.
    """
    if app.eager:
        raise ImproperlyConfigured("The app is eager: it has no file in which schedules are kept.")
    if longest is not None:
        app.conf.beat_max_loop_interval = longest
    files = files_of(app, _NAME, detach=detach, logfile=logfile, pidfile=pidfile)
    if files is None:
        return
    with held(files.pid), said_when_ready("scheduler.started"):
        set_up_log(app, level, files.log)
        _run(app, include)


def _run(app: LocalQ, include: tuple[str, ...]) -> None:
    set_up()
    for name in (*app.conf.imports, *app.conf.include, *include):
        import_module(name)
    # A module may start a worker of its own, as a web application does; here only schedules are fired.
    app.stop()
    if _Signals(beside(app)).run(app):
        start_anew()


class _Signals:
    """Runs a scheduler in the main thread, and stops it when a signal asks for it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._restart = False

    def run(self, app: LocalQ) -> bool:
        """Run until told to stop; return whether to start anew."""
        handlers: dict[int, Any] = {signal.SIGTERM: self._stop, signal.SIGINT: self._stop}
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN and not sys.stdin.isatty():
            handlers[hang_up] = self._hang_up
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            if not is_quiet():
                click.echo(_banner(self._scheduler, loaded().name))
            beat_init.send(self._scheduler)
            with log.follow_events(app.conf):
                self._scheduler.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._restart

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._restart = False
        self._scheduler.stop()

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._restart = True
        self._scheduler.stop()


def _banner(scheduler: Scheduler, app: str) -> str:
    where = scheduler.store.name
    none = "none" if scheduler.configured else "none: schedules added at run time only"
    return "\n".join(
        [
            "",
            f" beat  LocalQ {localq.__version__}  Python {platform.python_version()}  pid {os.getpid()}",
            "",
            "[config]",
            f"  .> app:       {app or f'({none})'}",
            f"  .> store:     {where}",
            f"  .> schedules: {scheduler.configured} configured",
            "",
        ]
    )
