"""What is measured of each contender: one function a row, on a fresh store each."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import multiprocess

from tests.bench.peers.setting import Setting
from tests.bench.peers.turns import turn

__all__ = ["ROWS"]

Figures = dict[str, float]
_LATENCIES, _SPINS, _SPIN_S, _ECHOS = 200, 400, 0.005, 60


def _between(found: dict[str, int]) -> float:
    return (found["ended"] - found["began"]) / 1e9


def waiting(setting: Setting) -> Figures:
    """Add one at a time, nobody there; then start the workers, and let them run all."""
    jobs = setting.who.jobs
    added = setting.call("burst", jobs)
    started = time.monotonic_ns()
    with setting.workers():
        times = sorted(at for _, at in setting.ran(jobs))
    return {
        "enqueue, jobs/s": jobs / _between(added),
        "start to first job, s": (times[0] - started) / 1e9,
        "drain, jobs/s": (jobs - 1) / (times[-1] - times[0]) * 1e9,
    }


def at_once(setting: Setting) -> Figures:
    """Add many at once, nobody there."""
    added = setting.call("add", setting.who.jobs)
    return {"enqueue many at once, jobs/s": setting.who.jobs / _between(added)} if added else {}


def together(setting: Setting) -> Figures:
    """Add one at a time while two slots run them."""
    jobs = setting.who.jobs
    with setting.workers():
        _warm(setting)
        called = setting.call("burst", jobs)
        last = max(at for _, at in setting.ran(jobs))
    return {"end to end, jobs/s": jobs / (last - called["began"]) * 1e9}


def _warm(setting: Setting) -> None:
    setting.call("burst", 30)
    setting.ran(30)


def latency(setting: Setting) -> Figures:
    """Call idle workers again and again: to the task's start, and to its result."""
    with setting.workers():
        _warm(setting)
        calls = setting.call("latency", _LATENCIES)["calls"]
        begun = dict(setting.ran(_LATENCIES))
    ended = [(end - at) / 1e6 for at, end in calls]
    return {
        "call to start, p50 ms": statistics.median((begun[n] - at) / 1e6 for n, (at, _) in enumerate(calls)),
        "call to result, p50 ms": statistics.median(ended),
        "call to result, p99 ms": sorted(ended)[len(ended) * 99 // 100],
    }


def _spin_many(turns: int, times: int) -> None:
    for _ in range(times):
        turn(turns)


def _turns() -> int:
    """Return the turns that take 5 ms here, at best."""
    spent = []
    for _ in range(20):
        began = time.process_time()
        turn(20_000)
        spent.append(time.process_time() - began)
    return int(20_000 * _SPIN_S / min(spent))


def _bare(turns: int) -> float:
    """Return the seconds in which two bare processes do the same work."""
    fork = multiprocess.get_context("fork")
    began = time.perf_counter()
    processes = [fork.Process(target=_spin_many, args=(turns, _SPINS // 2)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - began


def busy(setting: Setting) -> Figures:
    """Run 5 ms of work a job, against two bare processes that share the same work, before and after."""
    turns = _turns()
    with setting.workers():
        _warm(setting)
        before = _bare(turns)
        called = setting.call("spin", _SPINS, turns)
        last = max(at for _, at in setting.ran(_SPINS))
        bare = (before + _bare(turns)) / 2
    return {"5 ms of work, share of a bare pool": bare / ((last - called["began"]) / 1e9)}


def large(setting: Setting) -> Figures:
    """Send 1 MB and get it back."""
    with setting.workers():
        _warm(setting)
        called = setting.call("echo", _ECHOS)
        setting.ran(_ECHOS)
    return {"echo of 1 MB, jobs/s": _ECHOS / _between(called)}


def _workflow(kind: str, size: int, setting: Setting) -> Figures:
    """Call a chord, a chain or a group, and wait for its result."""
    with setting.workers():
        _warm(setting)
        called = setting.call(kind, size)
        if called and kind != "chain":
            setting.ran(size)
    return {f"{kind} of {size:,}, s": _between(called)} if called else {}


#: In the order of the table.
ROWS: dict[str, Callable[[Setting], Figures]] = {
    "waiting": waiting,
    "at once": at_once,
    "together": together,
    "latency": latency,
    "busy": busy,
    "large": large,
    "chord": partial(_workflow, "chord", 1000),
    "chain": partial(_workflow, "chain", 200),
    "group": partial(_workflow, "group", 1000),
}


def own_cpu() -> float:
    """Return the processor time of this process and of all its children that have ended (seconds)."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
