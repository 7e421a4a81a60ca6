"""Changes to what holds for a task: its rate limit and its time limits, for all workers."""

from __future__ import annotations

import json

from localq.app import LocalQ
from localq.web.act.change import Hand, written_down

__all__ = ["limit_rate", "limit_time"]


def limit_rate(app: LocalQ, hand: Hand, task: str, rate: str | None) -> None:
    """Set a task's rate limit; None: its own holds again.

    Raises:
        ValueError: it is no rate limit.
    """
    hand.check()
    app.control.rate_limit(task, rate)
    written_down(app, hand, "rate_limit", task, note=rate or "")


def limit_time(app: LocalQ, hand: Hand, task: str, soft: float | None, hard: float | None) -> None:
    """Set a task's time limits in seconds; with neither its own hold again."""
    hand.check()
    app.control.time_limit(task, soft, hard)
    written_down(app, hand, "time_limit", task, note=json.dumps([soft, hard]))
