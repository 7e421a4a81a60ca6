"""LocalQ beside Procrastinate and PgQueuer, on one PostgreSQL server in the same minutes.

    pip install -e '.[bench]'
    python -m tests.bench.peers.on_postgresql [--runs 3] [--json FILE]

Each has two processes that run tasks, and a database of its own on a server that keeps what it acknowledges. In turns,
so that a slow minute is everybody's: *drain* runs jobs that were added before, *end to end* those that one caller adds
one at a time meanwhile, and *latency* is that of calls to idle workers: to the task's start, and to the moment in which
the caller knows of its end. The tasks do nothing but note in a file that they ran; no job may be missing there, or be
there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from pathlib import Path

import psycopg

from tests.bench.peers.setting import Contender, Setting
from tests.store.server import Server

Figures = dict[str, float]


CONTENDERS = {
    "localq": Contender("localq_.py", 10_000, worker="-m localq -A localq_:q worker -l ERROR", ours=True),
    "procrastinate": Contender("procrastinate_.py", 1_500, 2),
    "procrastinate, concurrency 10": Contender("procrastinate_.py", 1_500, 2, settings={"PEER_CONCURRENCY": "10"}),
    "pgqueuer": Contender("pgqueuer_.py", 3_000, 2),
    "pgqueuer, batches of 100": Contender("pgqueuer_.py", 3_000, 2, settings={"PEER_CONCURRENCY": "100"}),
}


def setting(who: Contender, server: Server, theirs: str, folder: Path, number: int) -> Setting:
    """Return a contender on a database of its own."""
    name = f"peer{number}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = Setting(who, theirs, server.url.replace("/postgres?", f"/{name}?"), folder, number)
    if not who.ours:
        made.run("schema")
    return made


def measure(setting: Setting) -> Figures:
    """Measure one contender once."""
    jobs = setting.who.jobs
    setting.call("add", jobs)
    with setting.workers():
        times = [at for _, at in setting.ran(jobs)]
        drain = (jobs - 1) / (times[-1] - times[0]) * 1e9
        calls = setting.call("latency", 100)["calls"]
        begun = dict(setting.ran(100))
        called = setting.call("burst", jobs)
        last = max(at for _, at in setting.ran(jobs))
    return {
        "drain, jobs/s": drain,
        "end to end, jobs/s": jobs / (last - called["began"]) * 1e9,
        "to start p50, ms": statistics.median((begun[number] - at) / 1e6 for number, (at, _) in enumerate(calls)),
        "to result p50, ms": statistics.median((end - at) / 1e6 for at, end in calls),
        "to result p90, ms": statistics.quantiles([(end - at) / 1e6 for at, end in calls], n=10)[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the others installed")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", type=Path, default=Path("build/peers-postgresql.json"))
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # What was started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = Server()
    found: dict[str, list[Figures]] = {name: [] for name in given.only}
    try:
        with tempfile.TemporaryDirectory(prefix="peers-", dir="/dev/shm") as folder:
            for run in range(given.runs):
                for number, name in enumerate(given.only):
                    one = setting(CONTENDERS[name], server, given.python, Path(folder), run * 100 + number)
                    found[name].append(measure(one))
                    print(f"run {run + 1}, {name}: {said(found[name][-1])}", flush=True)
    finally:
        server.stop()
    medians = {
        name: {key: statistics.median(one[key] for one in all_of) for key in all_of[0]}
        for name, all_of in found.items()
    }
    print("\nmedians")
    for name, figures in medians.items():
        print(f"  {name:32} {said(figures)}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(medians, indent=2) + "\n")


def said(figures: Figures) -> str:
    return "  ".join(
        f"{name} {value:,.2f}" if "ms" in name else f"{name} {value:,.0f}" for name, value in figures.items()
    )


if __name__ == "__main__":
    main()
