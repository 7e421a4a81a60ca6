"""The caller's part of a measurement, in a process of its own: `python CONTENDER.py WHAT COUNT [EXTRA]`.

WHAT is one of: add (many at once), burst (one at a time), latency, spin, echo, chord, chain, group.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol

__all__ = ["Contender", "call"]

#: Seconds that a result is waited for.
PATIENCE_S = 270.0


class Contender(Protocol):
    """What a queue can do, as its users would do it; the tasks are those of `bodies`."""

    def send(self, task: str, *args: Any) -> Any:
        """Enqueue one job; return what `wait` takes."""

    def send_noops(self, numbers: range) -> None:
        """Enqueue many at once; contenders that cannot have no such method."""

    def wait(self, handle: Any) -> Any:
        """Wait until a job has ended; return its result where there are results."""

    def workflow(self, kind: str, size: int) -> Any:
        """Call a chord, a chain or a group, and wait for its result; without it there are none."""


def call(contender: Contender) -> None:
    """Do what the command line says, and print when it began and ended, and what else there is to tell."""
    what, count, *extra = sys.argv[1:]
    found = {"add": _add, "latency": _latency, "echo": _echo}.get(what, _workflow if what in _SIZES else _burst)(
        contender, what, int(count), *extra
    )
    print(json.dumps(found))


_SIZES = ("chord", "chain", "group")


def _add(contender: Contender, what: str, count: int) -> dict[str, Any]:
    if not hasattr(contender, "send_noops"):
        return {}
    began = time.monotonic_ns()
    contender.send_noops(range(count))
    return {"began": began, "ended": time.monotonic_ns()}


def _burst(contender: Contender, what: str, count: int, *extra: str) -> dict[str, Any]:
    task, more = ("spin", [int(extra[0])]) if what == "spin" else ("noop", [])
    # The first call connects.
    contender.send("increase", 0)
    began = time.monotonic_ns()
    for number in range(count):
        contender.send(task, number, *more)
    return {"began": began, "ended": time.monotonic_ns()}


def _latency(contender: Contender, what: str, count: int) -> dict[str, Any]:
    contender.wait(contender.send("increase", 0))
    calls = []
    for number in range(count):
        called = time.monotonic_ns()
        contender.wait(contender.send("noop", number))
        calls.append((called, time.monotonic_ns()))
        time.sleep(0.005)
    return {"calls": calls}


def _echo(contender: Contender, what: str, count: int) -> dict[str, Any]:
    text = "x" * 1_000_000
    contender.wait(contender.send("increase", 0))
    began = time.monotonic_ns()
    handles = [contender.send("echo", number, text) for number in range(count)]
    for handle in handles:
        assert contender.wait(handle) == text
    return {"began": began, "ended": time.monotonic_ns()}


def _workflow(contender: Contender, what: str, size: int) -> dict[str, Any]:
    contender.wait(contender.send("increase", 0))
    began = time.monotonic_ns()
    try:
        found = contender.workflow(what, size)
    except (AttributeError, NotImplementedError):
        return {}
    assert found == size, found
    return {"began": began, "ended": time.monotonic_ns()}
