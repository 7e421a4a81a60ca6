"""The caller's part of a measurement, in a process of its own: `python CONTENDER.py add|burst|latency COUNT`."""

from __future__ import annotations

import json
import time
from typing import Any, Protocol

__all__ = ["Contender", "call"]


class Contender(Protocol):
    """What a queue can do, as its users would do it."""

    def add(self, number: int) -> Any:
        """Enqueue one job that notes its number; return what `wait` takes."""

    def add_all(self, numbers: range) -> None:
        """Enqueue many at once."""

    def wait(self, handle: Any) -> None:
        """Wait until a job has ended."""


def call(contender: Contender, what: str, count: int) -> None:
    """Do one of them and print when it began and ended; of latencies each call and when the caller knew of its end."""
    if what == "latency":
        contender.wait(contender.add(-1))
    began = time.monotonic_ns()
    calls: list[tuple[int, int]] = []
    if what == "add":
        contender.add_all(range(count))
    else:
        for number in range(count):
            called = time.monotonic_ns()
            handle = contender.add(number)
            if what == "latency":
                contender.wait(handle)
                calls.append((called, time.monotonic_ns()))
                time.sleep(0.005)
    print(json.dumps({"began": began, "ended": time.monotonic_ns(), "calls": calls}))
