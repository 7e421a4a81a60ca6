"""The worker that `localq bench` measures, in a process of its own: it ends with whoever started it.

The first line it is given says where the jobs are, each other asks how much processor time it has used so far; the end
of its input ends it.
"""

from __future__ import annotations

import sys
import time

from localq.cli.bench.tasks import app_at

__all__ = ["main"]


def main(concurrency: int) -> None:
    """Run jobs until the input ends."""
    place = sys.stdin.readline().removesuffix("\n")
    if not place:
        return
    app = app_at(place, "full")
    app.start(concurrency)
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
    app.stop(1.0)
    app.close()
