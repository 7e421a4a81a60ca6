"""LocalQ beside Procrastinate and PgQueuer, on one PostgreSQL server in the same minutes.

    python -m venv peers && peers/bin/pip install procrastinate pgqueuer asyncpg 'psycopg[binary,pool]'
    python -m tests.bench.peers.on_postgresql --python peers/bin/python [--runs 3] [--json FILE]

Each has two processes that run tasks, and a database of its own on a server that keeps what it acknowledges. In turns,
so that a slow minute is everybody's: *drain* runs jobs that were added before, *end to end* those that one caller adds
one at a time meanwhile, and *latency* is that of calls to idle workers: to the task's start, and to the moment in which
the caller knows of its end. The tasks do nothing but note in a file that they ran; no job may be missing there, or be
there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg

from tests.bench.peers import journal
from tests.store.server import Server

_HERE = Path(__file__).parent
_PATIENCE_S = 300.0

Figures = dict[str, float]


class Contender(NamedTuple):
    """Who is measured: its script, its workers' processes, the jobs of a run, and what is set for it."""

    script: str
    processes: int
    jobs: int
    settings: Mapping[str, str] = MappingProxyType({})
    ours: bool = False


CONTENDERS = {
    "localq": Contender("localq_.py", 1, 10_000, ours=True),
    "procrastinate": Contender("procrastinate_.py", 2, 1_500),
    "procrastinate, concurrency 10": Contender("procrastinate_.py", 2, 1_500, {"PEER_CONCURRENCY": "10"}),
    "pgqueuer": Contender("pgqueuer_.py", 2, 3_000),
    "pgqueuer, batches of 100": Contender("pgqueuer_.py", 2, 3_000, {"PEER_CONCURRENCY": "100"}),
}


class Setting:
    """One contender on a database of its own."""

    def __init__(self, who: Contender, server: Server, theirs: str, folder: Path, number: int) -> None:
        self.who, self._python = who, sys.executable if who.ours else theirs
        self.journal = str(folder / f"journal-{number}")
        self._log = folder / f"log-{number}"
        name = f"peer{number}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = server.url.replace("/postgres?", f"/{name}?")
        self._environment = {
            **os.environ,
            **who.settings,
            "PEER_URL": url,
            "PEER_JOURNAL": self.journal,
            "PYTHONPATH": f"{_HERE}:{_HERE.parents[2]}" if who.ours else str(_HERE),
        }
        if not who.ours:
            self._run("schema")

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [self._python, who_script(self.who), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def call(self, what: str, count: int) -> dict[str, Any]:
        """Have a caller do something; return when it began and ended."""
        found: dict[str, Any] = json.loads(self._run(what, str(count)).splitlines()[-1])
        return found

    @contextlib.contextmanager
    def workers(self) -> Iterator[None]:
        """Have its workers run."""
        line = [self._python, who_script(self.who), "worker"]
        if self.who.ours:
            line = [self._python, "-m", "localq", "-A", "localq_:q", "worker", "-l", "ERROR"]
        with open(self._log, "ab") as log:
            running = [
                subprocess.Popen(line, env=self._environment, stdout=log, stderr=log, start_new_session=True)
                for _ in range(self.who.processes)
            ]
        try:
            yield
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def ran(self, count: int) -> list[tuple[int, int]]:
        """Wait until so many jobs ran; return them, each there once."""
        until = time.monotonic() + _PATIENCE_S
        while journal.count(self.journal) < count:
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.01)
        found = journal.entries(self.journal)
        assert len({number for number, _ in found}) == len(found) == count
        os.truncate(self.journal, 0)
        return found


def who_script(who: Contender) -> str:
    return str(_HERE / who.script)


def measure(setting: Setting) -> Figures:
    """Measure one contender once."""
    jobs = setting.who.jobs
    setting.call("add", jobs)
    with setting.workers():
        times = [at for _, at in setting.ran(jobs)]
        drain = (jobs - 1) / (times[-1] - times[0]) * 1e9
        calls = setting.call("latency", 100)["calls"]
        begun = dict(setting.ran(101))
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
    parser.add_argument("--python", required=True, help="the interpreter that has the others installed")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", type=Path, default=Path("build/peers-postgresql.json"))
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    server = Server()
    found: dict[str, list[Figures]] = {name: [] for name in given.only}
    try:
        with tempfile.TemporaryDirectory(prefix="peers-", dir="/dev/shm") as folder:
            for run in range(given.runs):
                for number, name in enumerate(given.only):
                    setting = Setting(CONTENDERS[name], server, given.python, Path(folder), run * 100 + number)
                    found[name].append(measure(setting))
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
