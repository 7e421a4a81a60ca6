"""How far a worker has been told to stop, how far it has come, and when it goes further by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["HOW", "Shutdown", "Stopping", "stopping_line", "waiting_line"]

#: Seconds an interrupted job has before it is killed.
_INTERRUPT_S = 5.0


class Stopping:
    """How far a worker has been told to stop."""

    NOT = 0
    #: Claim nothing more; finish what runs; put the rest back.
    FINISH = 1
    #: Interrupt what runs.
    INTERRUPT = 2
    #: Kill what runs.
    KILL = 3


#: The steps as events name them.
HOW = {Stopping.FINISH: "finish", Stopping.INTERRUPT: "interrupt", Stopping.KILL: "kill"}


def stopping_line(fields: Mapping[str, Any], again: str, verb: str = "stopping", most_s: float | None = None) -> str:
    """Return what a person at the terminal is told of a step.

    Args:
        fields: Of the event worker.stopping.
        again: What takes the next step, such as "Ctrl-C".
        verb: What the worker does.
        most_s: Seconds after which the next step is taken by itself.
    """
    count = fields["running"]
    jobs = _jobs(count)
    them = "it" if count == 1 else "them"
    if not count:
        return verb
    if fields["how"] == "finish" and most_s is not None:
        return f"{verb}: waiting for {jobs}, {most_s:g} s at most; then {'it runs' if count == 1 else 'they run'} again"
    if fields["how"] == "finish":
        return f"{verb}: waiting for {jobs}; {again} again interrupts {them}"
    if fields["how"] == "interrupt":
        return f"{verb}: interrupting {jobs}; {again} again kills {them}"
    return f"{verb}: killing {jobs}"


def waiting_line(running: int, most_s: float | None, sooner: str | None) -> str:
    """Return what a person is told whose program stands still, though nobody asked it to stop at once.

    Args:
        most_s: Seconds after which the jobs are interrupted by themselves.
        sooner: What interrupts them at once, such as "Ctrl-C", if there is anything.
    """
    they = "it runs" if running == 1 else "they run"
    if most_s is not None:
        then = "then" if sooner is None else f"then, or at {sooner},"
        return f"waiting for {_jobs(running)}, {most_s:g} s at most; {then} {they} again"
    if sooner is None:
        return f"waiting for {_jobs(running)}"
    return f"waiting for {_jobs(running)}; {sooner} interrupts {'it' if running == 1 else 'them'}, and {they} again"


def _jobs(count: int) -> str:
    return "1 running job" if count == 1 else f"{count} running jobs"


class Shutdown:
    """A worker's way from working to stopped, one step of `Stopping` after the other.

    Attributes:
        step: How far it has come.
    """

    def __init__(self) -> None:
        self.step = Stopping.NOT
        self._asked = Stopping.NOT
        self._interrupt_at: float | None = None
        self._kill_at: float | None = None

    @property
    def asked(self) -> bool:
        """Whether the worker was told to stop, even if it has not acted on that yet."""
        return self._asked != Stopping.NOT

    @property
    def begun(self) -> bool:
        """Whether the worker acts on it."""
        return self.step != Stopping.NOT

    def ask(self, how: int) -> None:
        """Go as far as `how` at the next turn; from any thread, and from signal handlers."""
        self._asked = max(self._asked, how)

    def advance(self, steady: float, patience: float | None) -> bool:
        """Take a step if it was asked for, or its time has come; return whether one was taken.

        Args:
            patience: Seconds from the first step to the interruption; None: as long as the jobs take.
        """
        for at, how in ((self._interrupt_at, Stopping.INTERRUPT), (self._kill_at, Stopping.KILL)):
            if at is not None and steady >= at:
                self.ask(how)
        if self._asked <= self.step:
            return False
        self.step = self._asked
        self._interrupt_at = self._kill_at = None
        if self.step == Stopping.FINISH and patience is not None:
            self._interrupt_at = steady + patience
        elif self.step == Stopping.INTERRUPT:
            self._kill_at = steady + _INTERRUPT_S
        return True

    def wait(self, most: float, steady: float) -> float:
        """Return the seconds until the next step is due, `most` at most."""
        return min([most, *(at - steady for at in (self._interrupt_at, self._kill_at) if at is not None)])
