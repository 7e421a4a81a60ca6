"""Run the benchmarks: `python -m tests.bench [ROW ...] [--json FILE] [--runs N]`; without rows all but the longest."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measures import ROWS
from tests.store.server import reason

_LONGEST = {"backlog of 10^6", "memory with 10^6"}


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"any of: {', '.join(ROWS)}")
    parser.add_argument(
        "--json", type=Path, default=Path("build/bench.json"), help="write the figures there (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, help="runs a row, instead of its own number")
    given = parser.parse_args()
    unknown = [row for row in given.rows if row not in ROWS]
    if unknown:
        parser.error(f"unknown row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    absent = reason()
    chosen = given.rows or [
        row for row in ROWS if row not in _LONGEST and not (absent and row.startswith("postgresql: "))
    ]
    # An installed package has its bytecode; without it each process that is started would compile it anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    about = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    figures: dict[str, dict[str, float]] = {}
    for row in chosen:
        figures[row] = _measure(row, given.runs)
        _show(row, figures[row])
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"about": about, "rows": figures}, indent=2) + "\n")


def _measure(row: str, runs: int | None) -> dict[str, float]:
    """Return the median of each figure over several runs, each in a folder of its own."""
    function, usual, _ = ROWS[row]
    measured = []
    for _ in range(runs or usual):
        with tempfile.TemporaryDirectory(prefix="localq-bench-") as folder:
            measured.append(function(Path(folder)))
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def _show(row: str, figures: dict[str, float]) -> None:
    targets = ROWS[row][2]
    print(row)
    for name, value in figures.items():
        target = f"   (target {targets[name]})" if name in targets else ""
        print(f"    {name:28} {value:12,.3f}{target}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
