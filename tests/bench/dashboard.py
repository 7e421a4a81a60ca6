"""How long pages and calls take on a million jobs: `python -m tests.bench.dashboard FILE [--drain] [--cold] ...`.

FILE is what `tests.bench.million` made; with `--drain` jobs are added to it. Two figures a request: on the wall, and of
the processor time of the dashboard's process, which holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from localq import LocalQ
from tests.bench.million import FAMILY, RARE
from tests.bench.web_process import Answer, Web, evict, worker

__all__ = ["adding", "paths_of"]

#: Jobs that wait at most while some are added.
_BACKLOG = 4000
#: Milliseconds that an answer may take.
_LIMIT_MS = 100


class _Ids:
    """Jobs of the file that pages are asked for."""

    def __init__(self, file: Path) -> None:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            one = connection.execute
            self.plain = one("SELECT id FROM job WHERE key = 900001").fetchone()[0]
            self.failed = one("SELECT id FROM job WHERE state = 4 AND key < 900000 ORDER BY key DESC").fetchone()[0]
            self.large = one("SELECT id FROM job JOIN payload ON job.key = payload.job LIMIT 1").fetchone()[0]
            first, last = one("SELECT min(key), max(key) FROM job WHERE workflow = ?", (FAMILY,)).fetchone()
            self.node = one("SELECT id FROM job WHERE key = ?", (first + 5,)).fetchone()[0]
            self.chord = one("SELECT id FROM job WHERE key = ?", (last,)).fetchone()[0]
            self.since = one("SELECT created_at FROM job WHERE key = 400000").fetchone()[0]


def paths_of(file: Path) -> list[str]:
    """Return every page and call that reads, with what makes each costly."""
    ids, rare = _Ids(file), quote(RARE, safe="")
    pages = ["/", "/?window=24h", "/?window=7d", "/jobs"]
    lists = ["state=FAILURE", "state=SUCCESS", "state=STARTED", "task=shop.mail", f"task={rare}", "task=nobody.knows"]
    lists += ["queue=mail", "queue=a%2520%3Cb%3E", "text=nowhere", "text=customer-77", "worker=w1%40box"]
    lists += ["worker=nobody", "state=FAILURE&text=nowhere", "within=1h", "before=500000", "lines=200"]
    lists += [f"until={quote('2026-01-01T00:00')}", f"state=FAILURE&task={rare}"]
    pages += [f"/jobs?{one}" for one in lists]
    pages += [f"/jobs/{one}" for one in (ids.plain, ids.failed, ids.large, ids.node, ids.chord)]
    pages += [f"/jobs/{ids.plain}/edit", f"/find?id={ids.plain[:12]}", "/tasks"]
    pages += ["/tasks?window=24h", "/tasks?window=7d"]
    pages += ["/tasks/shop.mail?window=1h", "/tasks/shop.mail", "/tasks/shop.mail?window=7d", f"/tasks/{rare}"]
    pages += ["/queues", "/queues/default", "/workers", "/schedules", "/audit"]
    api = ["overview", "series", "series?window=24h", "series?window=7d", "audit", "jobs", "tasks", "queues"]
    api += ["queues/default", "workers", "schedules", "openapi.json", *(f"jobs?{one}" for one in lists)]
    api += [f"jobs/{one}" for one in (ids.plain, ids.node, ids.chord)] + [f"jobs/{ids.plain}/why"]
    flower = ["workers", "tasks?limit=100", "tasks", "tasks?limit=100&search=nowhere", "tasks?search=customer-77"]
    flower += ["tasks?limit=100&taskname=shop.mail", f"tasks?taskname={rare}", "tasks?limit=100&sort_by=name"]
    flower += ["tasks?limit=100&offset=5000", "task/types", f"task/info/{ids.node}", f"task/result/{ids.plain}"]
    flower += ["queues/length", "tasks?limit=100&state=FAILURE&search=nowhere"]
    return [*pages, *(f"/api/v1/{one}" for one in api), *(f"/api/{one}" for one in flower), "/metrics"]


@contextlib.contextmanager
def adding(file: Path) -> Iterator[None]:
    """Add jobs, as fast as a worker takes them, until the end of a `with`."""
    app, over = LocalQ("benchtasks", path=file, durability="normal"), threading.Event()

    def add() -> None:
        while not over.wait(0.02):
            if sum(app.store.read.waiting_tasks().values()) < _BACKLOG:
                app.enqueue_many([app.signature("tests.bench.benchtasks.noop") for _ in range(1000)])

    thread = threading.Thread(target=add)
    thread.start()
    try:
        with worker(file):
            yield
    finally:
        over.set()
        thread.join()
        app.close()


def _percentile(sizes: Sequence[float], share: float) -> float:
    return sorted(sizes)[min(len(sizes) - 1, int(share * len(sizes)))]


def _figures(answers: Sequence[Answer]) -> dict[str, float]:
    told = {"status": float(answers[-1].status), "kB": answers[-1].size / 1000}
    for name, sizes in (("wall", [one.wall_s for one in answers]), ("cpu", [one.cpu_s for one in answers])):
        told[f"{name}_p50"] = 1000 * _percentile(sizes, 0.5)
        told[f"{name}_p95"] = 1000 * _percentile(sizes, 0.95)
    return told


def _warm(file: Path, path: str, times: int, web: Web) -> list[Answer]:
    web.ask(path)
    return [web.ask(path) for _ in range(times)]


def _cold(file: Path, path: str, times: int, web: Web) -> list[Answer]:
    """Ask a path as the first of a dashboard that has just begun, of a file that nobody has read lately."""
    found = []
    for _ in range(times):
        with Web(file) as fresh:
            evict(file)
            found.append(fresh.ask(path))
    return found


def _shown(path: str, told: dict[str, float]) -> str:
    sizes = "".join(f"{told[name]:9.1f}" for name in ("wall_p50", "wall_p95", "cpu_p50", "cpu_p95", "kB"))
    return f"{path[:60]:60}{sizes}{'  OVER' if told['cpu_p95'] > _LIMIT_MS else ''}  {told['status']:.0f}"


def main() -> None:
    """Measure, print those over the limit, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--drain", action="store_true", help="while a worker drains what is added")
    parser.add_argument("--cold", action="store_true", help="each the first of a new process, the file not in memory")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", default="", help="paths that hold this")
    parser.add_argument("--json", type=Path, default=Path("build/dashboard.json"))
    given = parser.parse_args()
    paths = [path for path in paths_of(given.file) if given.only in path]
    print(f"{'ms':60}  wall p50    p95   cpu p50    p95     kB")
    figures = {}
    with adding(given.file) if given.drain else contextlib.nullcontext(), Web(given.file) as web:
        while json.loads(web.ask("/api/v1/series?window=7d").body)["counted_from"] is not None and not given.cold:
            time.sleep(1)
        for path in paths:
            figures[path] = _figures((_cold if given.cold else _warm)(given.file, path, given.times, web))
            print(_shown(path, figures[path]), flush=True)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
