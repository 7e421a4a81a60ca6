"""The worker that `localq bench` measures, in a process of its own: it ends with whoever started it.

Each line it is given asks how much processor time it has used so far; the end of its input ends it.
"""

from __future__ import annotations

import sys
import time

from localq.cli.bench.tasks import app_at

__all__ = ["main"]


def main(path: str, concurrency: int) -> None:
    """Run jobs of a file until the input ends."""
    app = app_at(path, "full")
    app.start(concurrency)
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
    app.stop(1.0)
    app.close()
