"""The tasks the benchmarks run, on a LocalQ at the path or URL the environment names."""

from __future__ import annotations

import asyncio
import os
import time

from localq import LocalQ

_place = os.environ.get("LOCALQ_BENCH_PATH", "bench.db")
q = LocalQ(
    "benchtasks",
    **{"url" if "://" in _place else "path": _place},
    durability=os.environ.get("LOCALQ_BENCH_DURABILITY", "full"),
)


@q.task
def noop() -> None:
    """Do nothing."""


@q.task
def stamp() -> int:
    """Return when the task started, in nanoseconds of the monotonic clock."""
    return time.monotonic_ns()


@q.task
def nap(seconds: float) -> tuple[int, int, int]:
    """Sleep; return in which process, and when that began and ended, in nanoseconds of the monotonic clock."""
    began = time.monotonic_ns()
    time.sleep(seconds)
    return os.getpid(), began, time.monotonic_ns()


@q.task
async def async_nap(seconds: float) -> tuple[int, int]:
    """Sleep, as a coroutine."""
    began = time.monotonic_ns()
    await asyncio.sleep(seconds)
    return began, time.monotonic_ns()


@q.task
def echo(text: str) -> str:
    """Return the argument."""
    return text


@q.task
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


@q.task
def total(numbers: list[int]) -> int:
    """Return the sum of many."""
    return sum(numbers)


def spin(seconds: float) -> int:
    """Keep a processor busy for so many seconds of its own time."""
    until = time.thread_time() + seconds
    turns = 0
    while time.thread_time() < until:
        turns += 1
    return turns


@q.task
def burn(seconds: float) -> None:
    """Keep a processor busy."""
    spin(seconds)
