"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localq.model.clock import from_datetime, to_datetime

__all__ = ["FakeClock"]

_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A clock of `localq.model.clock.Clock`'s kind that stands still until it is moved; naive times are UTC.

    Args:
        start: The time it shows at first; default: the beginning of 2026.
    """

    def __init__(self, start: datetime = _START) -> None:
        self._now = _micros(start)
        self._steady = 0

    def now(self) -> int:
        """Return wall time in microseconds since 1970."""
        return self._now

    def steady(self) -> float:
        """Return seconds that only `forward` and `to` move on."""
        return self._steady / 1e6

    @property
    def time(self) -> datetime:
        """The time it shows, in UTC."""
        return to_datetime(self._now)

    def forward(self, delta: timedelta | None = None, **parts: float) -> None:
        """Let time pass: `forward(timedelta(hours=1))` or `forward(hours=1)`.

        Raises:
            ValueError: it is less than nothing; use `step` for a clock that is put back.
        """
        self.to(self.time + (timedelta() if delta is None else delta) + timedelta(**parts))

    def to(self, when: datetime) -> None:
        """Let time pass until a time.

        Raises:
            ValueError: it lies in the past.
        """
        passed = _micros(when) - self._now
        if passed < 0:
            raise ValueError(f"{when} is before {self.time}: time does not run backwards. step() puts a clock back.")
        self._now += passed
        self._steady += passed

    def step(self, delta: timedelta) -> None:
        """Put the wall clock forward or back, as somebody who sets it does; no time passes."""
        self._now += delta // timedelta(microseconds=1)


def _micros(when: datetime) -> int:
    return from_datetime(when if when.tzinfo else when.replace(tzinfo=UTC))
