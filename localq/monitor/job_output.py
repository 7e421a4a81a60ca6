"""What a job has printed and logged, run by run: a worker is asked about the run that goes on, the store has others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from localq.model.job import Job
from localq.model.outcome import OUTPUT_KEPT, Attempt
from localq.model.worker import WorkerState
from localq.monitor.control import Control
from localq.store.protocol import Store

__all__ = ["Answer", "Begun", "Ended", "Output", "asked", "owner_of"]

#: Seconds after which a worker that does not answer is waited for no longer.
_PATIENCE_S = 1.0


class Begun(NamedTuple):
    """What a run that goes on has said since it was last asked.

    `first`: nothing of this run was seen before. `lost` is how many characters of it are not to be had any more.
    """

    attempt: int
    first: bool
    lost: int
    text: str


class Ended(NamedTuple):
    """A run that has ended, with what it said that was not seen. `cut`: there was more before, which is not kept."""

    attempt: Attempt
    first: bool
    cut: bool
    text: str


class Answer(NamedTuple):
    """A worker's answer: which run it is, and what that has said from `start` on; `over`: it says no more."""

    run: int
    attempt: int
    start: int
    text: str
    over: bool


def owner_of(store: Store, job: Job) -> str | None:
    """Return the name of the worker that runs a job, if it may answer."""
    rows = (row for row in store.workers.all() if row.key == job.owner and row.state != WorkerState.GONE)
    return next((row.card.name for row in rows), None)


def asked(control: Control, worker: str, job_id: str, place: int = 0, wait_s: float = 0.0) -> Answer | None:
    """Ask a worker what a job that it runs has said after so many characters.

    Args:
        wait_s: Seconds that the worker may wait until there is something.

    Returns:
        None: the worker does not answer.
    """
    said = {"id": job_id, "place": place, "wait": wait_s}
    answers = control.broadcast("output", said, [worker], reply=True, timeout=wait_s + _PATIENCE_S) or []
    return next((found for one in answers for told in one.values() if (found := _read(told)) is not None), None)


def _read(told: Any) -> Answer | None:
    """Return an answer; one of a worker that has no such job says nothing, and of one that knows no such question."""
    if told is None:
        return Answer(0, 0, 0, "", True)
    return None if "error" in told else Answer(**told)


class Output:
    """What has been seen of a job's runs."""

    def __init__(self) -> None:
        self._ended = 0
        #: The run that goes on; how much it had said, and the last of that.
        self._run = self._attempt = self.place = 0
        self._seen = ""

    def goes_on(self, told: Answer) -> Begun:
        """Take what a worker has answered."""
        first = told.run != self._run
        if first:
            self._run, self._attempt, self.place, self._seen = told.run, told.attempt, 0, ""
        lost = told.start - self.place
        self.place = told.start + len(told.text)
        self._seen = (self._seen + told.text)[-OUTPUT_KEPT:]
        return Begun(told.attempt, first, lost, told.text)

    def ended(self, attempts: Sequence[Attempt]) -> Iterator[Ended]:
        """Return the runs that have ended since this was last asked, of all that the store has."""
        for one in attempts[self._ended :]:
            kept = one.output or ""
            if self._run and one.number == self._attempt:
                rest, cut = _rest(self._seen, self.place, kept)
                yield Ended(one, False, cut, rest)
            else:
                yield Ended(one, True, len(kept) >= OUTPUT_KEPT, kept)
            self._run = self.place = 0
        self._ended = len(attempts)


def _rest(seen: str, place: int, kept: str) -> tuple[str, bool]:
    """Return what was kept of a run after what was seen of it, and whether there was something between.

    Where all is kept, that is plain. Else what was seen ends where what was kept begins, or within it: the longest
    piece that is both is taken, so that a run that says the same again and again may seem to have said it less often.
    """
    if len(kept) < OUTPUT_KEPT:
        return kept[place:], False
    for common in range(len(seen), 0, -1):
        if kept.startswith(seen[-common:]):
            return kept[common:], False
    return kept, True
