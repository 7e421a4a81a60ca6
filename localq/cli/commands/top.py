"""`localq top`: what goes on, live in the terminal, with the actions of the dashboard."""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import sys
import time
from collections.abc import Iterator

import click
from rich.console import Console, RenderableType
from rich.live import Live

from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.cli.lookup import existing
from localq.cli.top_view import Seen, drawn
from localq.exceptions import LocalQError, StoreError
from localq.store import open_reader
from localq.store.protocol import Store
from localq.web.act.change import Hand
from localq.web.act.jobs import Came, cancel, run_again
from localq.web.ask.listing import Asked, listing
from localq.web.ask.overview import Past, overview
from localq.web.ask.series import WINDOWS
from localq.web.ask.starts import Starts
from localq.web.gate.actor import EVERYTHING, Actor
from localq.web.language import language

__all__ = ["top"]

_HELP = "q quit   j/k or arrows select   r run again   c cancel"
#: Jobs of a kind that are listed at most.
_MOST = 50
_UP, _DOWN = ("k", "\x1b[A", "\x1bOA"), ("j", "\x1b[B", "\x1bOB")
_QUIT = ("q", "Q", "\x03", "\x04")


@click.command(short_help="Show what goes on, live.")
@click.option("--once", is_flag=True, help="Print what goes on now, and end.")
@click.option(
    "-n",
    "--interval",
    type=click.FloatRange(min=0.2),
    default=1.0,
    metavar="SECONDS",
    show_default=True,
    help="How often it looks.",
)
@app_options
def top(app: LocalQ, once: bool, interval: float) -> None:
    """Show queues, workers, and the jobs that run or have failed, live.

    Keys: q or Ctrl-C quits, j and k or the arrows select a job, r runs it again, c cancels it; both ask first.
    Where the output or the input is no terminal, or one that cannot move its cursor, it prints once and ends.
    """
    existing(app)
    console = Console(highlight=False)
    live = console.is_terminal and not console.is_dumb_terminal and sys.stdin.isatty()
    reader = open_reader(app.location)
    try:
        if once or not live:
            console.print(drawn(console, _look(app, reader, Past(), Starts(app)), None, ""))
        else:
            with contextlib.suppress(KeyboardInterrupt), _keys_at_once():
                _Screen(app, reader, console).run(interval)
    finally:
        reader.close()


def _look(app: LocalQ, store: Store, past: Past, starts: Starts) -> Seen:
    now = app.clock.now()
    jobs = [
        *listing(app, store, Asked(states=("STARTED",), lines=_MOST)).lines,
        *listing(app, store, Asked(states=("FAILURE",), lines=_MOST)).lines,
    ]
    return Seen(overview(store, past, starts, WINDOWS["1h"], now), jobs, now)


class _Screen:
    """The screen, which job is selected, and what is asked of whoever looks."""

    def __init__(self, app: LocalQ, store: Store, console: Console) -> None:
        self._app, self._store, self._console = app, store, console
        self._past, self._starts = Past(), Starts(app)
        self._selected = ""
        self._asked = ""
        self._foot = _HELP

    def run(self, interval: float) -> None:
        """Look, draw, and do what keys say, until told to quit."""
        seen = _look(self._app, self._store, self._past, self._starts)
        looked_at = time.monotonic()
        with Live(self._drawn(seen), console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                key = _key(max(0.0, looked_at + interval - time.monotonic()))
                if key in _QUIT:
                    return
                if key:
                    self._press(seen, key)
                if not key or not self._asked:
                    try:
                        seen = _look(self._app, self._store, self._past, self._starts)
                    except StoreError as error:
                        self._foot = str(error)
                    looked_at = time.monotonic()
                live.update(self._drawn(seen), refresh=True)

    def _drawn(self, seen: Seen) -> RenderableType:
        return drawn(self._console, seen, self._place(seen), self._foot)

    def _place(self, seen: Seen) -> int:
        """Return where the selected job is now: it keeps its mark while others come and go."""
        ids = [line.job.id for line in seen.jobs]
        return ids.index(self._selected) if self._selected in ids else 0

    def _press(self, seen: Seen, key: str) -> None:
        if self._asked:
            asked, self._asked = self._asked, ""
            self._foot = self._do(asked) if key in ("y", "Y") else _HELP
            return
        self._foot = _HELP
        if not seen.jobs:
            return
        place = self._place(seen)
        step = (key in _DOWN) - (key in _UP)
        job = seen.jobs[min(max(place + step, 0), len(seen.jobs) - 1)].job
        self._selected = job.id
        if key in ("r", "c"):
            self._asked = key
            self._foot = f"{'Run' if key == 'r' else 'Cancel'} {job.id} ({job.task}){' again' * (key == 'r')}? y/n"

    def _do(self, key: str) -> str:
        """Do what was asked, and return what came of it."""
        hand = Hand(Actor(getpass.getuser(), EVERYTHING), "shell")
        try:
            change = run_again if key == "r" else cancel
            came: Came = change(self._app, hand, [self._selected])
        except LocalQError as error:
            return str(error)
        return language("en")(came.text, n=came.count)


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Have keys as they are pressed, unseen, and the terminal as it was afterwards."""
    # There is none on Windows, where nothing comes this far.
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _key(timeout_s: float) -> str:
    """Return a key that was pressed, one that ends where the terminal is gone, or nothing after a while."""
    ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
    if not ready:
        return ""
    pressed = os.read(sys.stdin.fileno(), 32).decode("utf-8", "replace")
    if not pressed:
        return _QUIT[0]
    return pressed if pressed.startswith("\x1b") else pressed[0]
