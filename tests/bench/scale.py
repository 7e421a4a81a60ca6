"""How far one machine goes: slots that sleep, coroutines, and programs that enqueue at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import multiprocess

from tests.bench.beside import tasks, worker

__all__ = ["SLOTS", "clients", "coroutines", "slots"]

Figures = dict[str, float]
SLOTS = (1, 2, 4, 8, 16)
_SLEEP_S, _EACH = 0.020, 100
_COROUTINES, _LONG_S = 10_000, 15.0
_CLIENTS, _START_S = 50, 60.0
#: Seconds of calling: each client must come to some hundred calls, for who is next is left to chance.
_CALLING_S = {"full": 20.0, "normal": 5.0}


def slots(folder: Path) -> Figures:
    """Run tasks that sleep 20 ms on 1 to 16 slots: the share of the slots' time in which they are in a task."""
    found = {}
    for count in SLOTS:
        module = tasks(folder, "normal")
        results = module.q.enqueue_many([module.nap.s(_SLEEP_S) for _ in range(count * _EACH)])
        with worker(module.q.location, count):
            runs = module.q.ResultSet(results).get(timeout=120)
        module.q.close()
        found[f"share_{count}_slots"] = _busy_share(runs)
    return found


def _busy_share(runs: list[tuple[int, int, int]]) -> float:
    """Return the share of the slots' time that was spent in tasks, while all slots were there and had work."""
    by_slot: dict[int, list[tuple[int, int]]] = {}
    for pid, began, ended in runs:
        by_slot.setdefault(pid, []).append((began, ended))
    first = max(min(began for began, _ in one) for one in by_slot.values())
    last = min(max(ended for _, ended in one) for one in by_slot.values())
    within = [max(0, min(ended, last) - max(began, first)) for one in by_slot.values() for began, ended in one]
    return sum(within) / ((last - first) * len(by_slot))


def coroutines(folder: Path) -> Figures:
    """Run 10,000 coroutines that sleep on one asyncio pool: how many were under way at once, and since when."""
    module = tasks(folder, "normal")
    results = module.q.enqueue_many([module.async_nap.s(_LONG_S) for _ in range(_COROUTINES)])
    with worker(module.q.location, _COROUTINES, "asyncio"):
        spans = module.q.ResultSet(results).get(timeout=300)
    module.q.close()
    begun, ended = sorted(began for began, _ in spans), sorted(end for _, end in spans)
    changes = sorted([(at, 1) for at in begun] + [(at, -1) for at in ended])
    most = under_way = 0
    for _, change in changes:
        under_way += change
        most = max(most, under_way)
    return {
        "at_once": most,
        "begun_per_s": (len(begun) - 1) / (begun[-1] - begun[0]) * 1e9,
        "begun_within_s": (begun[-1] - begun[0]) / 1e9,
    }


def clients(folder: Path, durability: str) -> Figures:
    """Have 50 programs call at once, nobody else there, against one; and the slowest against the fastest."""
    seconds = _CALLING_S[durability]
    one = sum(_calling(folder, durability, 1))
    many = _calling(folder, durability, _CLIENTS)
    again = sum(_calling(folder, durability, 1))
    return {
        "one_per_s": (one + again) / 2 / seconds,
        "all_per_s": sum(many) / seconds,
        "ratio": sum(many) / ((one + again) / 2),
        "slowest_by_fastest": min(many) / max(many),
    }


def _calling(folder: Path, durability: str, count: int) -> list[int]:
    """Return how many calls each of so many programs made."""
    module = tasks(folder, durability)
    module.noop.delay()
    module.q.close()
    fork = multiprocess.get_context("fork")
    together, made = fork.Barrier(count), fork.Queue()
    programs = [fork.Process(target=_call, args=(module, _CALLING_S[durability], together, made)) for _ in range(count)]
    for program in programs:
        program.start()
    calls = [made.get(timeout=_START_S * 4) for _ in programs]
    for program in programs:
        program.join()
    return calls


def _call(module: Any, seconds: float, together: Any, made: Any) -> None:
    module.noop.delay()
    together.wait(_START_S)
    until, calls = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        module.noop.delay()
        calls += 1
    module.q.close()
    made.put(calls)
