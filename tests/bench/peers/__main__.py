"""LocalQ beside other job queues, on this machine, in the same minutes; prints a table in Markdown.

    pip install -e '.[bench]'
    python -m tests.bench.peers [--runs 3] [--only NAME ...] [--rows ROW ...] [--json FILE]
    python -m tests.bench.peers --print build/peers.json

Each has two slots and a store of its own. All run the same rows in turns, so that a slow minute is everybody's. A job
does nothing but note that it ran, by one write to one file that belongs to none of them: rates and times are those of
that file, no job may be missing in it, and none be there twice. What runs on a server has a Redis of its own that
keeps nothing on a disk, as is its default. Processor time that was not theirs is shown below the table: where it is
over 0.3 cores, measure again on a machine that has rest.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.peers.rows import ROWS, own_cpu
from tests.bench.peers.setting import Contender, Setting
from tests.store.redis_server import RedisServer, reason

_OURS = "-m localq -A localq_:q worker -l ERROR"
_HUEY = "-m huey.bin.huey_consumer huey_.q -w 2 -k process -q"
#: Jobs of a run are as many as it does in some seconds.
CONTENDERS = {
    "LocalQ": Contender("localq_.py", 10_000, worker=_OURS, ours=True),
    "LocalQ, `normal`": Contender(
        "localq_.py", 10_000, worker=_OURS, ours=True, settings={"PEER_DURABILITY": "normal"}
    ),
    "Huey, fsync": Contender("huey_.py", 2_000, worker=_HUEY, settings={"PEER_FSYNC": "1"}),
    "Huey": Contender("huey_.py", 4_000, worker=_HUEY),
    "LocalQ on Redis": Contender("localq_.py", 10_000, worker=_OURS, ours=True, on="redis"),
    "Celery": Contender("celery_.py", 1_500, worker="-m celery -A celery_ worker -P prefork -c 2 -l ERROR", on="redis"),
    "Dramatiq": Contender("dramatiq_.py", 2_000, worker="-m dramatiq dramatiq_ -p 2", on="redis"),
    "RQ": Contender("rq_.py", 300, processes=2, worker="-m rq.cli worker -q -u $PEER_URL/0 peer", on="redis"),
}
_PACKAGES = ("huey", "celery", "dramatiq", "rq", "redis")
_FOREIGN = "foreign processor time, cores"
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the others installed")
    parser.add_argument("--runs", type=int, default=3, help="the figures are medians of so many (default: 3)")
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--json", type=Path, default=Path("build/peers.json"))
    parser.add_argument("--print", type=Path, metavar="FILE", help="measure nothing: print the table of such a file")
    given = parser.parse_args()
    if given.print:
        print(table(json.loads(given.print.read_text())))
        return
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # What was started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed: list[str] = []
    figures = measured(given, failed)
    found = {"about": about(given.python, given.runs), "figures": figures, "failed": failed}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")
    print(table(found))


# Measuring


def measured(given: argparse.Namespace, failed: list[str]) -> dict[str, dict[str, list[float]]]:
    """Return all figures of each contender, by name; of what a server is wanted for, where there is one.

    Args:
        failed: Gets who failed at what.
    """
    absent = reason()
    names = [name for name in given.only if not (absent and CONTENDERS[name].on == "redis")]
    if absent and len(names) < len(given.only):
        print(f"{absent}: what runs on it is left out", file=sys.stderr)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    number = 0
    # Files lie on the disk, which is half of what is measured; what notes the runs does not.
    with tempfile.TemporaryDirectory(prefix="peers-", dir="/dev/shm") as noted, _server(names) as server:
        for run in range(given.runs):
            for row in given.rows:
                for name in names:
                    number += 1
                    with tempfile.TemporaryDirectory(prefix="localq-peers-") as folder:
                        setting = Setting(
                            CONTENDERS[name], given.python, _place(name, folder, server), Path(noted), number
                        )
                        try:
                            figures = _once(row, setting, server)
                        except Exception as error:
                            # One that cannot do it, or loses a job at it, does not keep the others from being measured.
                            print(f"run {run + 1}, {name}, {row}: {error}", file=sys.stderr, flush=True)
                            failed.append(f"{name}, {row}")
                            continue
                    for what, value in figures.items():
                        found[name].setdefault(what, []).append(value)
                    told = ", ".join(f"{what} {value:,.3g}" for what, value in figures.items())
                    print(f"run {run + 1}, {name}: {told}", file=sys.stderr, flush=True)
    return found


@contextlib.contextmanager
def _server(names: list[str]) -> Iterator[RedisServer | None]:
    if not any(CONTENDERS[name].on == "redis" for name in names):
        yield None
        return
    server = RedisServer()
    try:
        yield server
    finally:
        server.stop()


def _place(name: str, folder: str, server: RedisServer | None) -> str:
    """Return a contender's place, with nothing in it."""
    if CONTENDERS[name].on == "file":
        return f"{folder}/jobs.db"
    assert server is not None
    server.say("FLUSHALL")
    return f"redis://127.0.0.1:{server.port}"


def _once(row: str, setting: Setting, server: RedisServer | None) -> dict[str, float]:
    """Measure a row of one contender, and what others took of the machine meanwhile."""
    began, busy, own = time.perf_counter(), _busy(), own_cpu() + _of(server)
    figures = ROWS[row](setting)
    foreign = (_busy() - busy - (own_cpu() + _of(server) + setting.unseen - own)) / (time.perf_counter() - began)
    return {**figures, _FOREIGN: max(0.0, foreign)}


def _busy() -> float:
    """Return the processor time that was used on this machine (seconds)."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS


def _of(server: RedisServer | None) -> float:
    if server is None:
        return 0.0
    user, system = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


# The table


def about(python: str, runs: int) -> dict[str, Any]:
    """Return where and when it was measured, and with which versions."""
    code = (
        f"from importlib.metadata import version; print(*(one + ' ' + version(one) for one in {_PACKAGES}), sep=', ')"
    )
    versions = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": versions,
        "runs": runs,
    }


def table(found: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    figures: dict[str, dict[str, list[float]]] = found["figures"]
    names = list(figures)
    rows = list(dict.fromkeys(what for one in figures.values() for what in one if what != _FOREIGN))
    lines = [f"| | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    for what in rows:
        cells = [_said(what, figures[name].get(what)) for name in names]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    others = [value for one in figures.values() for value in one.get(_FOREIGN, [])]
    said = found["about"]
    times = "one run" if said["runs"] == 1 else f"medians of {said['runs']} runs"
    lines += [
        "",
        f"{said['cores']} cores, {said['system']}; {said['versions']}; {said['date']}; {times}. Others used "
        f"{statistics.median(others):.2f} cores meanwhile, {max(others):.2f} at most.",
        *(f"Failed: {one}." for one in found["failed"]),
    ]
    return "\n".join(lines)


def _said(what: str, values: list[float] | None) -> str:
    if not values:
        return "-"
    value = statistics.median(values)
    return f"{value:,.0f}" if "jobs/s" in what else f"{value:.2f}"


if __name__ == "__main__":
    main()
