"""Running jobs to measure it: calls, jobs added many at once, a worker beside, and results that are waited for."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.cli.bench import tasks
from localq.exceptions import StoreError, TimeoutError
from localq.host.interpreter import words_to_call
from localq.result import AsyncResult

__all__ = ["LEAST", "Ran", "Seconds", "called", "p99", "ran", "times"]

#: Jobs added in one transaction, and jobs at most for each second of running them.
_AT_ONCE, _MOST_A_SECOND = 1000, 20_000
#: Whatever the time given: so often at least, and calls at most.
LEAST, _MOST_CALLS = 10, 2000
#: Results that are read to know what the slots used.
_SAMPLES = 200
#: Seconds that a worker has to start, and to end.
_START_S, _STOP_S = 60.0, 10.0
#: Seconds between two looks whether the worker still lives.
_LOOK_S = 1.0
#: Seconds between two calls: the worker has come to rest.
_PAUSE_S = 0.002


class Ran(NamedTuple):
    """What was measured of adding, running and answering jobs."""

    enqueue_many_per_s: float
    drain_per_s: float
    run_cpu_ms: float
    result_p50_ms: float
    result_p99_ms: float


class Seconds(NamedTuple):
    """How long each part may take."""

    many: float
    drain: float
    latency: float


def ran(app: LocalQ, slots: int, log: str, seconds: Seconds, told: Callable[[str], None]) -> Ran:
    """Add jobs, run them in a worker, and wait for results.

    Args:
        log: The path of a file that is made for what the worker says.
        told: Called with what is measured next.
    """
    told("enqueue_many")
    many, results = _added(app, seconds.many, int(seconds.drain * _MOST_A_SECOND))
    told("how fast jobs are run")
    with _worker(app.location, slots, log) as worker:
        drain, run_cpu_ms = _drained(app, worker, results, seconds.drain)
        told("how soon a result is back")
        waits = _answered(app, worker, seconds.latency)
    return Ran(many, drain, run_cpu_ms, statistics.median(waits) * 1e3, p99(waits) * 1e3)


def times(seconds: float) -> Iterator[int]:
    """Count for so many seconds, or to the least that says anything."""
    until = time.perf_counter() + seconds
    for number in count():
        if number >= LEAST and time.perf_counter() >= until:
            return
        yield number


def p99(values: list[float]) -> float:
    """Return what one in a hundred exceeds."""
    return sorted(values)[len(values) * 99 // 100]


def called(app: LocalQ, seconds: float) -> tuple[float, float]:
    """Return calls a second, one after the other, and the processor time of one (ms)."""
    task = app.tasks[tasks.NAME]
    task.delay()
    used, began = time.process_time(), time.perf_counter()
    calls = 0
    for _ in times(seconds):
        task.delay()
        calls += 1
    return calls / (time.perf_counter() - began), (time.process_time() - used) / calls * 1e3


def _added(app: LocalQ, seconds: float, most: int) -> tuple[float, list[AsyncResult[Any]]]:
    """Return jobs a second that were added many at once, and their results."""
    sig = app.tasks[tasks.NAME].s()
    results: list[AsyncResult[Any]] = []
    began = time.perf_counter()
    for number in times(seconds):
        results += app.enqueue_many([sig] * _AT_ONCE)
        if number + 1 >= LEAST and len(results) >= most:
            break
    return len(results) / (time.perf_counter() - began), results


# Running them


class _Worker:
    """A worker in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], log: str) -> None:
        self._process, self._log = process, log

    def cpu(self) -> float:
        """Return the processor time that the worker itself has used so far (seconds)."""
        assert self._process.stdout is not None
        try:
            self.say("")
            return float(self._process.stdout.readline())
        except (OSError, ValueError):
            raise self.lost() from None

    def say(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def wait(self, result: AsyncResult[Any], seconds: float) -> bool:
        """Whether a job ended within so many seconds.

        Raises:
            StoreError: the worker has died.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                result.get(timeout=min(left, _LOOK_S))
            except TimeoutError:
                if self._process.poll() is not None:
                    raise self.lost() from None
            else:
                return True
        return False

    def lost(self) -> StoreError:
        """Return the error that says how the worker ended."""
        self._process.kill()
        code = self._process.wait()
        with open(self._log, errors="replace") as file:
            said = file.read().splitlines() or ["It said nothing."]
        return StoreError(f"The worker that was measured ended by itself (exit code {code}). {said[-1]}")

    def stop(self) -> None:
        """Have it end; kill it if it does not."""
        try:
            self._process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextlib.contextmanager
def _worker(place: str, slots: int, log: str) -> Iterator[_Worker]:
    words = words_to_call("localq.cli.bench.worker_process", [slots], path=sys.path)
    with open(log, "x") as errors:
        # In a session of its own: what Ctrl-C ends is this program, and with it the worker.
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    worker = _Worker(process, log)
    try:
        # Where no command line shows it: there may be a password in it.
        worker.say(place)
        yield worker
    finally:
        worker.stop()


def _drained(app: LocalQ, worker: _Worker, results: list[AsyncResult[Any]], seconds: float) -> tuple[float, float]:
    """Return the jobs a second that are run, and the processor time of one in worker and slots (ms).

    What is not run by then is removed.
    """
    if not worker.wait(results[0], _START_S):
        raise StoreError(f"The worker has run no job in {_START_S:.0f} s.")
    before, used, began = _finished(app), worker.cpu(), time.perf_counter()
    worker.wait(results[-1], seconds)
    done, spent = _finished(app) - before, time.perf_counter() - began
    used = worker.cpu() - used
    app.control.purge()
    ran = results[: max(done - _AT_ONCE, LEAST)]
    sampled = [one.get(timeout=_START_S) for one in ran[:: max(1, len(ran) // _SAMPLES)]]
    slots: dict[int, list[float]] = {}
    for pid, cpu in sampled:
        slots.setdefault(pid, []).append(cpu)
    in_slots = sum(max(cpus) - min(cpus) for cpus in slots.values())
    return done / spent, (used / done + in_slots / len(ran)) * 1e3


def _finished(app: LocalQ) -> int:
    return sum(number for (_, state), number in app.store.read.stats().counts.items() if state.final)


def _answered(app: LocalQ, worker: _Worker, seconds: float) -> list[float]:
    """Return how long each call to a worker at rest took until its result was there."""
    task = app.tasks[tasks.NAME]
    worker.wait(task.delay(), _START_S)
    waits = []
    for number in times(seconds):
        if number >= _MOST_CALLS:
            break
        began = time.perf_counter()
        if not worker.wait(task.delay(), _START_S):
            raise StoreError(f"The worker has run no job in {_START_S:.0f} s.")
        waits.append(time.perf_counter() - began)
        time.sleep(_PAUSE_S)
    return waits
