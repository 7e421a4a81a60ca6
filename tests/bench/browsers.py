"""What ten open pages cost a worker: `python -m tests.bench.browsers FILE [--rounds N]`.

FILE is what `tests.bench.million` made, or a new one; jobs are added to it. Stretches in which a worker drains a
backlog alone alternate with stretches in which browsers follow what it does; the dashboard runs in both. The processor
time of its process tells what it takes, also on a machine on which others work.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import socket
import statistics
import threading
import time
from pathlib import Path
from typing import NamedTuple

from localq import LocalQ
from localq.model.job import JobState
from tests.bench.web_process import TOKEN, Web, cpu_with_children, worker

_PAGES = ["/", "/", "/?window=24h", "/jobs", "/jobs?state=FAILURE", "/tasks", "/tasks/tests.bench.benchtasks.noop"]
_PAGES += ["/queues", "/queues/celery", "/workers"]
_HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/html", "X-Live": "1"}
#: Milliseconds after which a page that was told of a change while it asked asks again, as its script does.
_AGAIN_S = 0.7
_LINE = "{:8.0f}/s  {:.0f} us a job  web {:.3f}  pages {:.1f}/s  log {:,}"


class Stretch(NamedTuple):
    """What a stretch came to.

    Jobs a second, microseconds of a processor that the worker and its slots took for each, processor seconds of the
    dashboard and pages a second, and bytes of the log at its end.
    """

    per_second: float
    job_us: float
    web: float
    pages: float
    log: int


class Browsers:
    """Open pages that are kept up to date as their script does, until the end of a `with`."""

    def __init__(self, port: int, count: int) -> None:
        self._port, self._over = port, threading.Event()
        self._connections: list[http.client.HTTPConnection] = []
        self.answers: list[float] = []
        for _, path in zip(range(count), itertools.cycle(_PAGES), strict=False):
            threading.Thread(target=self._browse, args=(path,), daemon=True).start()

    def __enter__(self) -> Browsers:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._connections:
            if one.sock is not None:
                one.sock.shutdown(socket.SHUT_RDWR)

    def _browse(self, path: str) -> None:
        stream = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        self._connections.append(stream)
        stream.request("GET", "/live", headers=_HEADERS)
        told, changed = stream.getresponse(), threading.Event()
        threading.Thread(target=self._refresh, args=(path, changed), daemon=True).start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            for line in iter(told.readline, b""):
                if line.startswith(b"event: changed"):
                    changed.set()

    def _refresh(self, path: str, changed: threading.Event) -> None:
        asking = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._over.is_set():
            if not changed.wait(1):
                continue
            changed.clear()
            begun = time.perf_counter()
            asking.request("GET", path, headers=_HEADERS)
            asking.getresponse().read()
            self.answers.append(time.perf_counter() - begun)
            if changed.is_set():
                time.sleep(_AGAIN_S)
        asking.close()


class _Drained:
    def __init__(self, file: Path, web: Web, pid: int, backlog: int, length_s: float) -> None:
        self._pid = pid
        self._app = LocalQ("benchtasks", path=file, durability="normal")
        self._file, self._web, self._backlog, self._length_s = file, web, backlog, length_s

    def _ready(self) -> int:
        counts = self._app.store.read.stats(finished=False).counts
        return sum(count for (_, state), count in counts.items() if state == JobState.READY)

    def _fill(self) -> None:
        noop = self._app.signature("tests.bench.benchtasks.noop")
        while (ready := self._ready()) < self._backlog:
            self._app.enqueue_many([noop for _ in range(min(5000, self._backlog - ready + 1))])

    def stretch(self, browsers: int) -> Stretch:
        """Measure one."""
        self._fill()
        with Browsers(self._web.port, browsers) as opened:
            time.sleep(2)
            ready, web, begun = self._ready(), self._web.cpu_s, time.monotonic()
            works = cpu_with_children(self._pid)
            while time.monotonic() - begun < self._length_s and self._ready() > self._backlog // 20:
                time.sleep(0.5)
            took = time.monotonic() - begun
            left, web = self._ready(), self._web.cpu_s - web
            works = cpu_with_children(self._pid) - works
        log = os.stat(f"{self._file}-wal").st_size
        done = max(1, ready - left)
        return Stretch(done / took, 1e6 * works / done, web / took, len(opened.answers) / took, log)


def _until_counted(web: Web) -> None:
    """Wait until the dashboard has read the past, which it does once."""
    while json.loads(web.ask("/api/v1/series?window=7d").body)["counted_from"] is not None:
        time.sleep(1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--backlog", type=int, default=60_000)
    parser.add_argument("--length", type=float, default=10.0, help="seconds of a stretch at most")
    given = parser.parse_args()
    alone, watched = [], []
    with Web(given.file) as web, worker(given.file) as process:
        _until_counted(web)
        drained = _Drained(given.file, web, process.pid, given.backlog, given.length)
        drained.stretch(0)
        for _ in range(given.rounds):
            alone.append(drained.stretch(0))
            watched.append(drained.stretch(given.browsers))
            print("alone   {:8.0f}/s  {:.0f} us a job  web {:.3f}  pages {:.1f}/s  log {:,}".format(*alone[-1]))
            print(
                "watched {:8.0f}/s  {:.0f} us a job  web {:.3f}  pages {:.1f}/s  log {:,}".format(*watched[-1]),
                flush=True,
            )
    lost = [1 - there.per_second / here.per_second for here, there in zip(alone, watched, strict=True)]
    share = statistics.median(one.web for one in watched) / (os.cpu_count() or 1)
    dearer = statistics.median(one.job_us for one in watched) / statistics.median(one.job_us for one in alone) - 1
    print(f"a job took {100 * dearer:.1f} % more of a processor")
    print(f"lost: median {100 * statistics.median(lost):.1f} %; the dashboard took {100 * share:.1f} % of the machine")


if __name__ == "__main__":
    main()
