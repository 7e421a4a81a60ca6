"""Time, passed in: nothing below the app reads a clock by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic, time_ns
from typing import Protocol

__all__ = ["SYSTEM", "Clock", "SystemClock", "from_datetime", "to_datetime"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from.

    `now` is wall time in microseconds since 1970 (UTC); it may jump. `steady` is seconds that never jump,
    comparable between the processes of one boot (CLOCK_MONOTONIC): leases and limits are measured in it.
    """

    def now(self) -> int:
        """Return wall time in microseconds since 1970."""
        ...

    def steady(self) -> float:
        """Return seconds that never jump."""
        ...


class SystemClock:
    """The machine's own clocks, also where a task has put others in the place of `time`'s functions."""

    def now(self) -> int:
        """Return wall time in microseconds since 1970."""
        return time_ns() // 1000

    def steady(self) -> float:
        """Return monotonic seconds."""
        return monotonic()


SYSTEM = SystemClock()


def to_datetime(micros: int) -> datetime:
    """Return the aware UTC datetime of microseconds since 1970."""
    days, rest = divmod(micros, 86_400_000_000)
    seconds, micro = divmod(rest, 1_000_000)
    from_ordinal = datetime.fromordinal(_EPOCH.toordinal() + days)
    return from_ordinal.replace(
        hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60, microsecond=micro, tzinfo=UTC
    )


def from_datetime(when: datetime) -> int:
    """Return microseconds since 1970 of an aware datetime."""
    delta = when - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
