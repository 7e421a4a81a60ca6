"""Changes to jobs: run again, cancel, stop."""

from __future__ import annotations

from typing import NamedTuple

from localq.app import LocalQ
from localq.contrib.abortable import AbortableAsyncResult
from localq.model.job import JobState
from localq.result import signal_number
from localq.web.act.change import Hand, written_down

__all__ = ["Came", "ask_to_stop", "cancel", "run_again"]


class Came(NamedTuple):
    """What came of a change: how many it changed, and a sentence with `n` in braces."""

    count: int  # type: ignore[assignment] # the tuple method of this name counts nothing here
    text: str


def run_again(app: LocalQ, hand: Hand, ids: list[str]) -> Came:
    """Run finished jobs again, as they were; the others stay as they are."""
    hand.check()
    again = app.requeue(ids)
    for job_id in again:
        written_down(app, hand, "retry", job_id)
    return Came(len(again), "{n} jobs run again." if again else "Only finished jobs run again.")


def cancel(app: LocalQ, hand: Hand, ids: list[str], *, terminate: bool = False, signal: str | None = None) -> Came:
    """Cancel jobs, for good; those that run go on, unless they are to be stopped.

    Args:
        signal: The name of what stops them; default: TERM.

    Raises:
        ValueError: there is no such signal.
    """
    hand.check()
    before = app.cancel(ids, signal=signal_number(signal) if terminate else 0)
    changed = [job_id for job_id, state in before.items() if not JobState(state).final]
    for job_id in changed:
        written_down(app, hand, "terminate" if terminate else "cancel", job_id)
    return Came(len(changed), "{n} jobs are cancelled." if changed else "They had finished already.")


def ask_to_stop(app: LocalQ, hand: Hand, job_id: str) -> None:
    """Ask a job whose task looks for that (`localq.contrib.abortable`) to stop; one that waits is cancelled."""
    hand.check()
    AbortableAsyncResult[object](job_id, app).abort()
    written_down(app, hand, "abort", job_id)
