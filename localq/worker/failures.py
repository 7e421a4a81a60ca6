"""How many jobs of a program's own worker failed, told in one line when it stops: a script may read no result."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from typing import Any

from localq.app.app import LocalQ
from localq.model.secrets import without_passwords
from localq.store.location import DEFAULT

__all__ = ["FailedJobs"]


class FailedJobs:
    """Counts the jobs of a worker that failed for good, but for errors that their task expects (`throws`).

    Args:
        worker: The worker's name.
    """

    #: The events that tell of them.
    EVENTS = ("job.failed", "job.lost")

    def __init__(self, worker: str) -> None:
        self._worker, self._count = worker, 0

    def hear(self, event: str, fields: dict[str, Any]) -> None:
        """Count a job that an event says has failed."""
        expected = fields["again"] if event == "job.lost" else fields["expected"]
        self._count += fields["worker"] == self._worker and not expected

    def tell(self, app: LocalQ) -> None:
        """Say how many there were and how to see them, where the program has set up no log that said so; once."""
        count, self._count = self._count, 0
        if not count or logging.getLogger("localq.worker").hasHandlers() or sys.stderr is None:
            return
        many = "1 job" if count == 1 else f"{count:,} jobs"
        where = "" if app.location == ":memory:" else f": localq{_place_option(app.location)} list --state FAILURE"
        print(f"localq: {many} failed{where}", file=sys.stderr)


def _place_option(location: str) -> str:
    """Return the option that names a store to commands, where they would not look there by themselves."""
    if "://" in location:
        return f" --url {shlex.quote(without_passwords(location))}"
    try:
        near = os.path.relpath(location)
    except OSError:  # the working folder is gone
        near = location
    if near == DEFAULT:
        return ""
    return f" --path {shlex.quote(location if near.startswith('..') else near)}"
