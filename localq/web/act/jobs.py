"""Changes to jobs: run again, cancel, stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localq.app import LocalQ
from localq.contrib.abortable import AbortableAsyncResult
from localq.model.job import JobState
from localq.result import signal_number
from localq.web.act.change import Hand, all_written_down, written_down

__all__ = ["VERBS", "Came", "ask_to_stop", "cancel", "change", "delete", "run_again"]


class Came(NamedTuple):
    """What came of a change: how many it changed, and a sentence with `n` in braces."""

    count: int  # type: ignore[assignment] # the tuple method of this name counts nothing here
    text: str


#: What may be done to many jobs: whether it is done to those that are over.
VERBS = {"retry": True, "cancel": False, "delete": True}


def change(app: LocalQ, verb: str, ids: Sequence[str], signal: int = 0) -> list[str]:
    """Do to jobs what a verb says, in one transaction, and return the ids of those that it changed.

    Args:
        verb: Of `VERBS`.
        signal: What running jobs get that are cancelled; 0: they go on.
    """
    many = list(ids)
    if verb == "retry":
        return app.requeue(many)
    if verb == "cancel":
        return [one for one, state in app.cancel(many, signal=signal).items() if not JobState(state).final]
    there = app.store.read.get(many)
    app.store.jobs.forget(many)
    left = app.store.read.get(many)
    return [one for one in there if one not in left]


def run_again(app: LocalQ, hand: Hand, ids: list[str]) -> Came:
    """Run finished jobs again, as they were; the others stay as they are."""
    hand.check()
    again = change(app, "retry", ids)
    all_written_down(app, hand, "retry", again)
    return Came(len(again), "{n} jobs run again." if again else "Only finished jobs run again.")


def cancel(app: LocalQ, hand: Hand, ids: list[str], *, terminate: bool = False, signal: str | None = None) -> Came:
    """Cancel jobs, for good; those that run go on, unless they are to be stopped.

    Args:
        signal: The name of what stops them; default: TERM.

    Raises:
        ValueError: there is no such signal.
    """
    hand.check()
    changed = change(app, "cancel", ids, signal_number(signal) if terminate else 0)
    all_written_down(app, hand, "terminate" if terminate else "cancel", changed)
    return Came(len(changed), "{n} jobs are cancelled." if changed else "They had finished already.")


def ask_to_stop(app: LocalQ, hand: Hand, job_id: str) -> None:
    """Ask a job whose task looks for that (`localq.contrib.abortable`) to stop; one that waits is cancelled."""
    hand.check()
    AbortableAsyncResult[object](job_id, app).abort()
    written_down(app, hand, "abort", job_id)


def delete(app: LocalQ, hand: Hand, ids: list[str]) -> Came:
    """Remove finished jobs with all they hold, but for those that an unfinished one waits for."""
    hand.check()
    gone = change(app, "delete", ids)
    all_written_down(app, hand, "delete", gone)
    return Came(len(gone), "{n} jobs are deleted." if gone else "Only finished jobs that none waits for are deleted.")
