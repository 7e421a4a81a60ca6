"""How many jobs of a program's own worker failed, told in one line when it stops: a script may read no result."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from typing import Any

from localq.app.app import LocalQ
from localq.model.secrets import without_passwords
from localq.result.uncaught import shown_already
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
        if fields["worker"] != self._worker or expected:
            return
        self._count += 1
        # Of a job that was lost there is nothing but its error, which the line says.
        if not _has_log() and (told := fields.get("traceback")):
            shown_already(told)

    def tell(self, app: LocalQ) -> None:
        """Say how many there were and how to see them, where the program has set up no log that said so; once."""
        count, self._count = self._count, 0
        if not count or _has_log() or sys.stderr is None:
            return
        many = "1 job" if count == 1 else f"{count:,} jobs"
        where = (
            "" if app.location == ":memory:" else f": localq{_place_option(app.location)} list --args --state FAILURE"
        )
        print(f"localq: {many} failed{where}", file=sys.stderr)


def _has_log() -> bool:
    """Whether the program has set up a log; without one, errors go to standard error."""
    return logging.getLogger("localq.worker").hasHandlers()


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
