"""Measure a place: how fast its disk syncs, or its server answers, and how fast jobs are added, run and answered."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from localq.app import LocalQ
from localq.cli.bench import tasks
from localq.cli.bench.runs import Seconds, called, p99, ran, times

__all__ = ["Figures", "ServerFigures", "measure", "measure_server"]

#: Shares of the time that is given.
_FIRST, _FULL, _NORMAL = 0.10, 0.15, 0.10
_REST = Seconds(many=0.10, drain=0.30, latency=0.25)
#: Bytes of a write, as large as a page of the file; there are so many, written again and again, as the log's are.
_PAGE, _PAGES = b"\xaa" * 4096, 256


class Figures(NamedTuple):
    """What was measured of a folder; the names are those of the JSON."""

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


class ServerFigures(NamedTuple):
    """What was measured of a server; `enqueue_normal_per_s` is None where calls have one durability, the server's."""

    round_trip_p50_ms: float
    round_trip_p99_ms: float
    enqueue_full_per_s: float
    enqueue_normal_per_s: float | None
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
    syncs = _synced(os.path.join(folder, "sync"), seconds * _FIRST)
    told("calls with durability='normal'")
    with contextlib.closing(tasks.app_at(os.path.join(folder, "normal.db"), "normal")) as app:
        normal, _ = called(app, seconds * _NORMAL)
    with contextlib.closing(tasks.app_at(os.path.join(folder, "full.db"), "full")) as app:
        told("calls with durability='full'")
        full, cpu_ms = called(app, seconds * _FULL)
        app.control.purge()
        many, *rest = ran(app, slots, os.path.join(folder, "log"), _parts(seconds), told)
    return Figures(1 / statistics.fmean(syncs), p99(syncs) * 1e3, full, normal, many, cpu_ms, slots, *rest)


def measure_server(url: str, log: str, seconds: float, slots: int, told: Callable[[str], None]) -> ServerFigures:
    """Measure a store of its own on a server, which whoever calls removes; see `measure`.

    Args:
        log: The path of a file that is made for what the worker says.
    """
    normal = None
    if url.startswith("postgres"):
        with contextlib.closing(tasks.app_at(url, "normal")) as app:
            told("calls with durability='normal'")
            normal, _ = called(app, seconds * _NORMAL)
            app.control.purge()
    with contextlib.closing(tasks.app_at(url, "full")) as app:
        told("the way to the server")
        trips = _asked(app, seconds * _FIRST)
        told("calls")
        full, cpu_ms = called(app, seconds * _FULL)
        app.control.purge()
        many, *rest = ran(app, slots, log, _parts(seconds), told)
    trip = statistics.median(trips) * 1e3
    return ServerFigures(trip, p99(trips) * 1e3, full, normal, many, cpu_ms, slots, *rest)


def _parts(seconds: float) -> Seconds:
    return Seconds(*(share * seconds for share in _REST))


def _asked(app: LocalQ, seconds: float) -> list[float]:
    """Return how long each question took that the server answers at once."""
    spent = []
    app.store.bells.changed()
    for _ in times(seconds):
        began = time.perf_counter()
        app.store.bells.changed()
        spent.append(time.perf_counter() - began)
    return spent


def _synced(path: str, seconds: float) -> list[float]:
    """Return how long each write of a page took until it was on the disk, as SQLite waits for it."""
    sync = getattr(os, "fdatasync", os.fsync)
    spent = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(descriptor, _PAGE * _PAGES)
        os.fsync(descriptor)
        for number in times(seconds):
            if number % _PAGES == 0:
                os.lseek(descriptor, 0, os.SEEK_SET)
            began = time.perf_counter()
            os.write(descriptor, _PAGE)
            sync(descriptor)
            spent.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
    return spent
