"""Fair waiting for other writers of the file."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from localq.exceptions import StoreBusy
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

    Args:
        path: The file, for the error's text.
        seconds: How long a statement is tried again.
    """

    def __init__(self, path: str, seconds: float) -> None:
        self.path = path
        self.seconds = seconds

    def run(self, cursor: Any, text: str, values: tuple[Any, ...] = ()) -> Any:
        """Run a statement that may find the file locked; try again soon, at random, until the time is up.

        SQLite's own busy handler backs off up to 100 ms, which starves: one of 8 writers got 1 commit while
        another got 2,596. Short random pauses are fair and need no second lock.
        """
        try:
            return cursor.execute(text, values)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        import random  # few ever wait

        until = time.monotonic() + self.seconds
        pause = _FIRST_PAUSE_S
        while True:
            time.sleep(pause * (0.5 + random.random()))
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
