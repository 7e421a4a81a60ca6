"""What the ends of runs mean that share a process: of one that was told to end, and of all when the process died."""

from __future__ import annotations

import contextlib

from localq.model.clock import Clock
from localq.model.outcome import Ending, Outcome
from localq.worker.pool.contract import Cause, Death, Handed
from localq.worker.pool.event_loop.child_handle import ChildHandle

__all__ = ["RunEnds"]

#: Seconds a run has to end after it was told to, until its process is killed.
_GRACE_S = 5.0


class RunEnds:
    """Which runs were told to end, and which may have ended their process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: Runs that were told to end, by id: until when, and what it means if they do.
        self._told: dict[str, tuple[float, Death | None]] = {}
        #: Ids of jobs among which one ended the process: they run alone until they have ended.
        self._suspects: set[str] = set()

    # Telling

    def tell(self, child: ChildHandle | None, job_id: str, word: str, death: Death | None) -> None:
        """Tell a run to end, unless it was told before.

        Args:
            word: Which error is raised in it.
            death: What it means if it does end.
        """
        if job_id in self._told:
            return
        self._told[job_id] = self._clock.steady() + _GRACE_S, death
        # Where it cannot be told, it is overdue soon.
        with contextlib.suppress(OSError):
            if child is not None:
                child.send(word, job_id)

    def left(self, job_id: str) -> float | None:
        """Return the seconds that a run has to end; None: it was not told to."""
        told = self._told.get(job_id)
        return None if told is None else told[0] - self._clock.steady()

    def overdue(self) -> bool:
        """Whether a run goes on that must have ended."""
        now = self._clock.steady()
        return any(now >= until for until, _ in self._told.values())

    def forget(self, job_id: str) -> None:
        """Forget a run that is nobody's."""
        self._told.pop(job_id, None)

    # Meaning

    def runs_alone(self, handed: Handed) -> bool:
        """Whether a job has ended its process, or may have."""
        return handed.job.crashes > 0 or handed.job.id in self._suspects

    def reported(self, job_id: str, outcome: Outcome, started_at: int) -> Outcome | Death:
        """Return what an outcome comes to: that of a run that ended because it was told to is the wish itself."""
        self._suspects.discard(job_id)
        _, death = self._told.pop(job_id, (0.0, None))
        over = death is not None and death.cause == Cause.TIME_LIMIT and outcome.ending != Ending.SUCCESS
        if death is not None and (over or outcome.ending == Ending.RELEASED):
            return death._replace(started_at=started_at)
        return outcome

    def of_process(
        self, child: ChildHandle, how: str, handed: Handed, started_at: int | None, *, alone: bool
    ) -> Death | None:
        """Return what the end of its process means for a job; None: nothing, it had not begun.

        Args:
            how: How the process ended.
            started_at: None: the job had not begun.
            alone: No other job had.
        """
        told = self._told.pop(handed.job.id, None)
        if told is not None and told[1] is not None:
            return told[1]._replace(started_at=started_at)
        if child.reason is not None:
            return Death(Cause.STOPPED, child.reason, started_at)
        if started_at is None:
            return None if told is None else Death(Cause.STOPPED, "its process ended before it began", None)
        if alone:
            return Death(Cause.CRASH, child.nonsense or f"The process that ran it (pid {child.pid}) {how}", started_at)
        self._suspects.add(handed.job.id)
        return Death(Cause.STOPPED, "the process that ran it ended, maybe by another job", started_at)
