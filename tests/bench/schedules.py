"""What 10,000 schedules cost: taking them up, a tick with a hundred due, a tick with none, and doing nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localq import LocalQ
from localq.schedules.scheduler import Scheduler, beside
from localq.testing import FakeClock

__all__ = ["ten_thousand"]

_MANY, _DUE = 10_000, 100
_START = datetime(2026, 1, 1, tzinfo=UTC)
_IDLE_S = 20.0
#: A scheduler as a program, on a file that is there; it configures nothing, and retires nothing of others.
_PROGRAM = """
import sys
from localq import LocalQ
from localq.schedules.scheduler import beside
print("ready", flush=True)
beside(LocalQ("idle", path=sys.argv[1])).run()
"""


def _app(folder: Path, many: int) -> LocalQ:
    """Return an app of so many schedules, a hundred of which are due each minute, the others at noon."""
    q = LocalQ(f"bench{many}", path=folder / f"{many}.db", durability="normal")
    q.clock = FakeClock(_START)
    q.task(lambda: None, name="noop")  # type: ignore[call-overload]
    q.conf.beat_schedule = {
        f"s{n}": {"task": "noop", "schedule": "* * * * *" if n < _DUE else "0 12 * * *"} for n in range(many)
    }
    return q


def _ticked(scheduler: Scheduler, clock: Any) -> Callable[[], float]:
    """Return a function that lets a minute pass and measures one tick, in milliseconds."""

    def tick() -> float:
        clock.forward(timedelta(minutes=1))
        started = time.perf_counter()
        scheduler.tick(clock.now())
        return (time.perf_counter() - started) * 1e3

    return tick


def _ticks(q: LocalQ) -> float:
    """Return what a tick with a hundred due costs, in milliseconds."""
    scheduler = beside(q)
    tick = _ticked(scheduler, q.clock)
    tick()
    spent = statistics.median(tick() for _ in range(20))
    scheduler.close()
    return spent


def _idle_tick(q: LocalQ) -> float:
    """Return what a look costs when nothing is due, in milliseconds."""
    scheduler = beside(q)
    scheduler.tick(q.clock.now())
    started = time.perf_counter()
    for _ in range(1000):
        scheduler.tick(q.clock.now())
    spent = time.perf_counter() - started
    scheduler.close()
    return spent


def _idle_cpu(path: str) -> float:
    """Return what a scheduler that has nothing to do costs, in seconds of the processor a minute."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    line = [sys.executable, "-c", _PROGRAM, path]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)
        before = _nanoseconds(process.pid)
        time.sleep(_IDLE_S)
        spent = _nanoseconds(process.pid) - before
        process.kill()
    return spent / 1e9 * 60 / _IDLE_S


def _nanoseconds(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def ten_thousand(folder: Path) -> dict[str, float]:
    """Tick over 10,000 schedules with 100 of them due, against 100 schedules that are all due."""
    small, large = _app(folder, _DUE), _app(folder, _MANY)
    large.schedules.configured()
    started = time.perf_counter()
    beside(large).close()
    taken_up = time.perf_counter() - started
    alone, among = _ticks(small), _ticks(large)
    figures = {
        "take_up_s": taken_up,
        "tick_100_of_100_ms": alone,
        "tick_100_of_10000_ms": among,
        "ratio": alone / among,
        "tick_0_of_10000_ms": _idle_tick(large),
        "idle_cpu_s_per_minute": _idle_cpu(_late(large)),
    }
    for app in (small, large):
        app.close()
    return figures


def _late(q: LocalQ) -> str:
    """Put every schedule off for a year, so that a scheduler on the machine's clock finds nothing due."""
    store: Any = q.store
    with store.database.lock, store.database.writing as cursor:
        cursor.execute(
            "UPDATE schedule SET next_at = next_at + 31536000000000 * 10, due_at = due_at + 31536000000000 * 10"
        )
    return str(q.location)
