"""Measure a folder: how fast its disk syncs, and how fast jobs are added, run and answered on a file in it."""

from __future__ import annotations

import contextlib
import os
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

__all__ = ["Figures", "measure"]

#: Shares of the time that is given.
_SYNC, _FULL, _NORMAL, _MANY, _DRAIN, _LATENCY = 0.10, 0.15, 0.10, 0.10, 0.30, 0.25
#: Bytes of a write, as large as a page of the file; there are so many, written again and again, as the log's are.
_PAGE, _PAGES = b"\xaa" * 4096, 256
#: Jobs added in one transaction, and jobs at most for each second of running them.
_AT_ONCE, _MOST_A_SECOND = 1000, 20_000
#: Whatever the time given: so often at least, and calls at most.
_LEAST, _MOST_CALLS = 10, 2000
#: Results that are read to know what the slots used.
_SAMPLES = 200
#: Seconds that a worker has to start, and to end.
_START_S, _STOP_S = 60.0, 10.0
#: Seconds between two looks whether the worker still lives.
_LOOK_S = 1.0
#: Seconds between two calls: the worker has come to rest.
_PAUSE_S = 0.002


class Figures(NamedTuple):
    """What was measured; the names are those of the JSON."""

    syncs_per_s: float
    sync_p99_ms: float
    enqueue_full_per_s: float
    enqueue_normal_per_s: float
    enqueue_many_per_s: float
    enqueue_cpu_ms: float
    slots: int
    drain_per_s: float
    run_cpu_ms: float
    result_p50_ms: float
    result_p99_ms: float


def measure(folder: str, seconds: float, slots: int, told: Callable[[str], None]) -> Figures:
    """Measure in an empty folder, which whoever calls removes.

    Args:
        seconds: How long it may take, but for the start of a worker.
        told: Called with what is measured next.

    Raises:
        OSError, StoreError: the folder cannot be written, or the worker died.
    """
    told("the disk")
    syncs = _synced(os.path.join(folder, "sync"), seconds * _SYNC)
    told("calls with durability='normal'")
    with contextlib.closing(tasks.app_at(os.path.join(folder, "normal.db"), "normal")) as app:
        normal, _ = _called(app, seconds * _NORMAL)
    with contextlib.closing(tasks.app_at(os.path.join(folder, "full.db"), "full")) as app:
        told("calls with durability='full'")
        full, cpu_ms = _called(app, seconds * _FULL)
        app.control.purge()
        told("enqueue_many")
        many, results = _added(app, seconds * _MANY, int(seconds * _DRAIN * _MOST_A_SECOND))
        told("how fast jobs are run")
        with _worker(app.location, slots) as worker:
            drain, run_cpu_ms = _drained(app, worker, results, seconds * _DRAIN)
            told("how soon a result is back")
            waits = _answered(app, worker, seconds * _LATENCY)
    return Figures(
        syncs_per_s=1 / statistics.fmean(syncs),
        sync_p99_ms=_p99(syncs) * 1e3,
        enqueue_full_per_s=full,
        enqueue_normal_per_s=normal,
        enqueue_many_per_s=many,
        enqueue_cpu_ms=cpu_ms,
        slots=slots,
        drain_per_s=drain,
        run_cpu_ms=run_cpu_ms,
        result_p50_ms=statistics.median(waits) * 1e3,
        result_p99_ms=_p99(waits) * 1e3,
    )


def _times(seconds: float) -> Iterator[int]:
    """Count for so many seconds, or to the least that says anything."""
    until = time.perf_counter() + seconds
    for number in count():
        if number >= _LEAST and time.perf_counter() >= until:
            return
        yield number


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


# The disk, and adding jobs


def _synced(path: str, seconds: float) -> list[float]:
    """Return how long each write of a page took until it was on the disk, as SQLite waits for it."""
    sync = getattr(os, "fdatasync", os.fsync)
    spent = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(descriptor, _PAGE * _PAGES)
        os.fsync(descriptor)
        for number in _times(seconds):
            if number % _PAGES == 0:
                os.lseek(descriptor, 0, os.SEEK_SET)
            began = time.perf_counter()
            os.write(descriptor, _PAGE)
            sync(descriptor)
            spent.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
    return spent


def _called(app: LocalQ, seconds: float) -> tuple[float, float]:
    """Return calls a second, one after the other, and the processor time of one (ms)."""
    task = app.tasks[tasks.NAME]
    task.delay()
    used, began = time.process_time(), time.perf_counter()
    calls = 0
    for _ in _times(seconds):
        task.delay()
        calls += 1
    return calls / (time.perf_counter() - began), (time.process_time() - used) / calls * 1e3


def _added(app: LocalQ, seconds: float, most: int) -> tuple[float, list[AsyncResult[Any]]]:
    """Return jobs a second that were added many at once, and their results."""
    sig = app.tasks[tasks.NAME].s()
    results: list[AsyncResult[Any]] = []
    began = time.perf_counter()
    for number in _times(seconds):
        results += app.enqueue_many([sig] * _AT_ONCE)
        if number + 1 >= _LEAST and len(results) >= most:
            break
    return len(results) / (time.perf_counter() - began), results


# Running them


class _Worker:
    """A worker in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], log: str) -> None:
        self._process, self._log = process, log

    def cpu(self) -> float:
        """Return the processor time that the worker itself has used so far (seconds)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return float(self._process.stdout.readline())
        except (OSError, ValueError):
            raise self.lost() from None

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
def _worker(path: str, slots: int) -> Iterator[_Worker]:
    words = words_to_call("localq.cli.bench.worker_process", [path, slots], path=sys.path)
    log = f"{path}.log"
    with open(log, "x") as errors:
        # In a session of its own: what Ctrl-C ends is this program, and with it the worker.
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    worker = _Worker(process, log)
    try:
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
    ran = results[: max(done - _AT_ONCE, _LEAST)]
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
    for number in _times(seconds):
        if number >= _MOST_CALLS:
            break
        began = time.perf_counter()
        if not worker.wait(task.delay(), _START_S):
            raise StoreError(f"The worker has run no job in {_START_S:.0f} s.")
        waits.append(time.perf_counter() - began)
        time.sleep(_PAUSE_S)
    return waits
