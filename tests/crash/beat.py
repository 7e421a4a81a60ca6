"""A scheduler as a program of its own: `python -m tests.crash.beat NAME=SECONDS...`. It makes up for every instant."""

from __future__ import annotations

import signal
import sys
from typing import Any

from localq.schedules.scheduler import beside
from tests.crash.tasks import q


def main(*intervals: str) -> None:
    q.conf.beat_schedule = {
        name: {
            "task": "tests.crash.tasks.instant",
            "schedule": float(seconds),
            "missed": "all",
            "most": 1000,
            "window": 3600,
        }
        for name, _, seconds in (word.partition("=") for word in intervals)
    }
    scheduler = beside(q)

    def stop(number: int, frame: Any) -> None:
        scheduler.stop()

    signal.signal(signal.SIGTERM, stop)
    scheduler.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
