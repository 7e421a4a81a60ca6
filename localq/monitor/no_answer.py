"""Why no worker has answered who asked: a sentence for each reason, and what to do. Pure: of rows that were read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from localq.model.hints import nearest
from localq.model.worker import WorkerRow, WorkerState, other_name

__all__ = ["why_no_answer"]

#: How like a worker's name a word must be to be taken for a slip: their hosts are the same.
_LIKE = 0.75


def why_no_answer(
    rows: Sequence[WorkerRow], waiting: int, *, wanted: Collection[str] | None, start: str
) -> Iterator[str]:
    """Yield why none of the workers that were asked has answered.

    Args:
        waiting: Number of jobs that wait.
        wanted: Names of the workers that were asked; None: all.
        start: The command that starts a worker.
    """
    there = [row for row in rows if row.state != WorkerState.GONE]
    if not there:
        jobs = "" if not waiting else ", and 1 job waits" if waiting == 1 else f", and {waiting:,} jobs wait"
        yield f"No worker is running{jobs}. Start one: {start}"
        return
    names = [row.card.name for row in there]
    for name in wanted or ():
        if not {name, other_name(name)} & set(names):
            others = nearest(name, names, _LIKE) or f" Running: {', '.join(names)}."
            yield f"No worker {name!r} is running.{others}"
    for row in there:
        if wanted is None or {row.card.name, other_name(row.card.name)} & set(wanted):
            yield _silence(row)


def _silence(row: WorkerRow) -> str:
    who = f"Worker {row.card.name} (process {row.card.pid})"
    if row.state == WorkerState.SILENT:
        return f"{who} is there, but says nothing: it is stopped, suspended or stuck."
    return f"{who} is running, but has not answered in time; --timeout SECONDS waits longer."
