"""What times, spans, sizes and states are called on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from localq.model.clock import to_datetime

__all__ = ["SHAPES", "Shape", "ago", "exact", "iso", "span", "span_text"]

Say = Callable[..., str]
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Shape(NamedTuple):
    """How a state is drawn: its colour's name, and a sign, since colours alone tell not everybody."""

    tone: str
    sign: str


SHAPES = {
    "SUCCESS": Shape("good", "✓"),
    "FAILURE": Shape("bad", "✕"),
    "REVOKED": Shape("off", "⊘"),
    "STARTED": Shape("busy", "▶"),
    "PROGRESS": Shape("busy", "▶"),
    "RETRY": Shape("warn", "↻"),
    "PENDING": Shape("calm", "○"),
    "WAITING": Shape("calm", "◌"),
    "SCHEDULED": Shape("calm", "◷"),
    "READY": Shape("calm", "○"),
    "REJECTED": Shape("off", "⊘"),
    "LOST": Shape("bad", "✕"),
    "RUNNING": Shape("busy", "▶"),
}


def span(seconds: float) -> tuple[float, str]:
    """Return a span of time in the unit a person would use: a number, and one of µs, ms, s, min, h, d."""
    size = abs(seconds)
    if 0 < size < 0.0009995:
        return round(seconds * 1_000_000), "µs"
    if size < 0.9995:
        return round(seconds * 1000, 1 if size < 0.01 else 0), "ms"
    if size < _MINUTE:
        return round(seconds, 2 if size < 10 else 1), "s"
    if size < _HOUR:
        return round(seconds / _MINUTE, 1), "min"
    if size < 2 * _DAY:
        return round(seconds / _HOUR, 1), "h"
    return round(seconds / _DAY, 1), "d"


def span_text(seconds: float | None, say: Say) -> str:
    """Return a span in words, such as "2.5 s"; a hyphen where there is none."""
    if seconds is None:
        return "-"
    number, unit = span(seconds)
    return say("{number} " + unit, number=f"{number:g}")


def ago(at: int | None, now: int, say: Say) -> str:
    """Return a time from now, such as "3 min ago" or "in 2 h"; a hyphen where there is none."""
    if at is None:
        return "-"
    seconds = (now - at) / 1e6
    if abs(seconds) < 1:
        return say("now")
    # What changes while somebody reads is told in whole seconds.
    told = span_text(round(abs(seconds)) if abs(seconds) < _MINUTE else abs(seconds), say)
    return say("{span} ago", span=told) if seconds > 0 else say("in {span}", span=told)


def exact(at: int | None) -> str:
    """Return a time as people write it, in this computer's zone; empty where there is none."""
    return "" if at is None else to_datetime(at).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def iso(at: int | None) -> str:
    """Return a time as machines write it, for the attribute of <time>, which has no place for microseconds."""
    return "" if at is None else to_datetime(at).isoformat(timespec="milliseconds")
