"""What a worker holds in memory, with few jobs and with a million of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.bench.beside import tasks, worker

__all__ = ["of_worker", "pss_kb"]

_FEW, _MANY, _AT_ONCE = 10_000, 1_000_000, 10_000
#: Jobs that have run when what waits is taken for known to the worker.
_BEGUN = 2_000


def of_worker(folder: Path) -> dict[str, float]:
    """Return the memory of a worker's own process while jobs wait, and once it has run them."""
    few, many = (_held(folder, count) for count in (_FEW, _MANY))
    return {
        "few_waiting_mib": few[0],
        "many_waiting_mib": many[0],
        "waiting_ratio": many[0] / few[0],
        "few_run_mib": few[1],
        "many_run_mib": many[1],
        "run_ratio": many[1] / few[1],
    }


def _held(folder: Path, count: int) -> tuple[float, float]:
    """Return MiB while so many wait, and when they have run."""
    module = tasks(folder, "normal")
    for _ in range(count // _AT_ONCE):
        module.q.enqueue_many([module.noop.s() for _ in range(_AT_ONCE)])
    with worker(module.q.location) as process:
        _until_run(module.q, _BEGUN)
        waiting = pss_kb(process.pid)
        _until_run(module.q, count)
        time.sleep(2)
        run = pss_kb(process.pid)
    module.q.close()
    return waiting / 1024, run / 1024


def _until_run(q: Any, count: int) -> None:
    while sum(number for (_, state), number in q.store.read.stats().counts.items() if state.final) < count:
        time.sleep(0.1 if count < _FEW else 1)


def pss_kb(pid: int) -> int:
    """Return what a process holds, in KiB; what it shares with others in proportion."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
