"""A slot that is a thread: it takes jobs, runs them, and reports what came of them, whatever is raised in it."""

from __future__ import annotations

import contextlib
import threading
from queue import SimpleQueue
from typing import Protocol

from localq.execution import attempt
from localq.execution.strike import raise_in_thread
from localq.model.clock import Clock
from localq.model.outcome import Ending, Outcome
from localq.worker.pool.between_runs import Tracing
from localq.worker.pool.contract import Death, Handed

__all__ = ["SlotThread"]


class _Pool(Protocol):
    """What a thread uses of its pool (`localq.worker.pool.threads.pool.ThreadPool`)."""

    clock: Clock
    waiting: SimpleQueue[Handed | None]

    def has(self, handed: Handed) -> bool:
        """Whether a job that waited is still the pool's to run."""
        ...

    def attempt(self, handed: Handed) -> Outcome | Death:
        """Run a job in the calling thread; raises what interrupts it."""
        ...

    def ended(self, thread: SlotThread, handed: Handed, end: Outcome | Death) -> None:
        """Report from a thread."""
        ...

    def left(self, thread: SlotThread) -> None:
        """Take in that a thread runs no more."""
        ...


class SlotThread(threading.Thread):
    """One slot: a thread, with what it runs."""

    def __init__(self, pool: _Pool, number: int) -> None:
        super().__init__(name=f"LocalQ-{number}", daemon=True)
        self.pool, self.number = pool, number
        #: What runs and may be interrupted.
        self.handed: Handed | None = None
        #: What has not been reported yet, and its outcome once it has run.
        self.taken: Handed | None = None
        self.outcome: Outcome | Death | None = None
        self.ran = self.asked = False
        self.since = 0.0
        #: Whether it runs yet, or waits for what it is to run in.
        self.runs = True
        self.guard = threading.Lock()
        self.abandoned = False

    def run(self) -> None:
        """Run what comes. Errors injected for a run may arrive after it, between any two lines here."""
        self.tracing = Tracing()
        while not self.abandoned:
            with contextlib.suppress(BaseException):
                if self.taken is None:
                    handed = self.pool.waiting.get()
                    if handed is None:
                        break
                    if self.pool.has(handed):
                        self.begin(handed)
                self._attempt()
        self.pool.left(self)

    def begin(self, handed: Handed) -> None:
        """Take a job; its limits count from now."""
        self.since = self.pool.clock.steady()
        self.outcome, self.ran, self.asked = None, False, False
        self.handed = self.taken = handed

    def interrupt(self, handed: Handed, error: type[BaseException]) -> None:
        """Raise an error in a run, if it is still that one."""
        with self.guard:
            if self.handed is handed and self.ident is not None:
                self.asked = True
                raise_in_thread(self.ident, error)

    def _attempt(self) -> None:
        """Run the job at hand and report it; called again when an injected error got in between."""
        taken = self.taken
        if taken is None:
            return
        if not self.ran:
            self.ran = True
            try:
                self.outcome = self.pool.attempt(taken)
            except BaseException as error:
                if not self.asked:
                    self.outcome = attempt.escaped(error, None, self.pool.clock.now())
            self.tracing.put_back()
        with self.guard:
            self.handed = None
        if self.outcome is None:
            # The run was interrupted, or the error came as it ended.
            now = self.pool.clock.now()
            self.outcome = Outcome(Ending.RELEASED, now, now)
        self.pool.ended(self, taken, self.outcome)
        self.taken = None
