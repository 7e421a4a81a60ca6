"""Fair waiting for other writers of the file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from localq.exceptions import StoreBusy
from localq.host.turnstile import CROWD, Turnstile
from localq.store.sqlite.errors import is_busy

__all__ = ["BUSY_TIMEOUT_S", "Patience"]

#: Seconds a writer waits for others before it gives up.
BUSY_TIMEOUT_S = 30.0
#: Seconds between two tries, at first and at most, and how many times longer each pause is than the one before: who
#: doubles it sleeps for up to half of its wait while the file is free.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.000_05, 0.001
_LONGER = 1.25


class Patience:
    """How a store waits for a file that others lock.

    SQLite's own busy handler backs off up to 100 ms, which starves: one of 8 writers got 1 commit while another got
    2,596. Short random pauses are fair among a few and need no second lock; a crowd takes turns.

    Args:
        path: The file, for the error's text.
        seconds: How long a statement is tried again.
        folder: Where crowds take turns; None: nobody else writes.
    """

    def __init__(self, path: str, seconds: float, folder: Path | None) -> None:
        self.path = path
        self.seconds = seconds
        self._folder = folder
        #: Where a crowd takes turns, once this process had to wait.
        self._turnstile: Turnstile | None = None
        #: Whether this process has passed its turn on, and comes after those who wait.
        self._passed = False

    def run(self, cursor: Any, text: str, values: tuple[Any, ...] = (), in_turn: bool = False) -> Any:
        """Run a statement that may find the file locked; try again until the time is up.

        Args:
            in_turn: Where a crowd waits, wait with it. For what comes again and again; a worker's part is to be done.
        """
        if in_turn and self._passed:
            self._passed = False
        else:
            try:
                return cursor.execute(text, values)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
        until, pause = time.monotonic() + self.seconds, _FIRST_PAUSE_S
        while True:
            self._wait(pause, in_turn)
            pause = min(pause * _LONGER, _LONGEST_PAUSE_S)
            try:
                return cursor.execute(text, values)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                if time.monotonic() > until:
                    raise StoreBusy(
                        f"{self.path} was locked by others for {self.seconds:.0f} s. Nothing was changed; try "
                        "again, and look for a program that keeps a transaction open ('localq doctor')."
                    ) from error

    def wrote(self) -> None:
        """Let the next of a crowd have its turn, if this process's is over: it has let go of the file."""
        if self._turnstile is not None and self._turnstile.pass_on():
            self._passed = True

    def _wait(self, pause: float, in_turn: bool) -> None:
        import random  # few ever wait

        turnstile = self._turnstile or self._opened()
        share = 0.5 + random.random()
        if turnstile is None:
            time.sleep(pause * share)
        elif in_turn and (crowd := turnstile.waiting() + 1) >= CROWD:
            turnstile.queue(crowd, share)
        else:
            turnstile.rest(pause * share)

    def _opened(self) -> Turnstile | None:
        if self._folder is not None:
            try:
                self._turnstile = Turnstile(self._folder / "turns")
            except FileNotFoundError:
                # The file is only being made.
                pass
            except OSError:
                # Nothing is lost by it but processor time.
                self._folder = None
        return self._turnstile
