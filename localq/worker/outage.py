"""The time in which a worker's store cannot write: a full disk, a file that others keep locked."""

from __future__ import annotations

from localq.exceptions import StoreError
from localq.model.clock import Clock
from localq.model.events import emit

__all__ = ["Outage"]

#: Seconds between tries while the store cannot write.
_TRY_AGAIN_S = 1.0


class Outage:
    """Whether the store fails at present, since when, and when it is tried again.

    Args:
        worker: The worker's name, for events.

    Attributes:
        failure: The error it began with; None while the store works.
    """

    def __init__(self, worker: str, clock: Clock) -> None:
        self.failure: StoreError | None = None
        self._worker, self._clock = worker, clock
        self._since = 0.0
        self._try_at = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the store fails."""
        return self.failure is not None

    def may_try(self) -> bool:
        """Whether the store may be used now."""
        return self.failure is None or self._clock.steady() >= self._try_at

    def wait(self, steady: float) -> float:
        """Return the seconds until the store is tried again."""
        return self._try_at - steady

    def begin(self, error: StoreError) -> None:
        """Leave the store alone for a while after an error."""
        if self.failure is None:
            self._since, self.failure = self._clock.steady(), error
            emit("store.failed", worker=self._worker, error=str(error))
        self._try_at = self._clock.steady() + _TRY_AGAIN_S

    def end(self) -> bool:
        """Take note that the store works; return whether it did not before."""
        if self.failure is None:
            return False
        self.failure = None
        emit("store.recovered", worker=self._worker, after_s=self._clock.steady() - self._since)
        return True
