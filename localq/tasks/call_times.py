"""The times a call names: instants, read in a zone, and seconds from a moment that may not be known yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from localq.model.clock import from_datetime
from localq.settings import Settings

__all__ = ["FARTHEST_S", "When", "from_now", "zone_of"]

_SECOND = 1_000_000
#: Seconds from now that a time may lie ahead: a thousand years, well within the store's 64 bits.
FARTHEST_S = 31_557_600_000


class When(NamedTuple):
    """How naive times are read: in `zone`, in this machine's where that is "local", or in UTC."""

    zone: str | None
    now: int

    def _zone(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone else UTC

    def micros(self, value: Any, option: str) -> int:
        """Return a datetime, an ISO text, or seconds from now, as microseconds since 1970."""
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not abs(value) <= FARTHEST_S:
                raise ValueError(f"{option}={value!r} must be a number of seconds, {FARTHEST_S:,} at most")
            return self.now + round(value * _SECOND)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError as error:
                raise ValueError(f"{option}={value!r} is no ISO time: {error}") from error
        if isinstance(value, datetime):
            if value.tzinfo is None:
                value = value.astimezone() if self.zone == "local" else value.replace(tzinfo=self._zone())
            return from_datetime(value)
        raise TypeError(f"{option} must be a datetime, an ISO text or seconds, not {type(value).__name__}")


def zone_of(settings: Settings) -> str | None:
    """Return how naive times are read, for `When`: as the settings timezone and enable_utc say."""
    zone: str | None = settings.timezone
    return zone or (None if settings.enable_utc else "local")


def from_now(value: Any, option: str) -> int | None:
    """Return seconds from a moment not known yet as negative microseconds; None for what is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
        return None
    return -max(0, When(None, 0).micros(value, option))
