"""What is measured: tasks on a fresh store, and a worker beside them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localq.model.ids import new_id

__all__ = ["HERE", "tasks", "worker"]

HERE = Path(__file__).parents[2]


def tasks(folder: Path | str, durability: str) -> Any:
    """Return the tasks' module on a fresh file in a folder, or on the store of a URL."""
    os.environ["LOCALQ_BENCH_PATH"] = folder if isinstance(folder, str) else str(folder / f"{new_id()}.db")
    os.environ["LOCALQ_BENCH_DURABILITY"] = durability
    sys.modules.pop("tests.bench.benchtasks", None)
    import tests.bench.benchtasks as module

    return module


@contextlib.contextmanager
def worker(path: str, concurrency: int = 2, pool: str = "processes") -> Iterator[subprocess.Popen[bytes]]:
    """Run `localq worker` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), "LOCALQ_BENCH_PATH": path}
    command = [
        sys.executable,
        "-m",
        "localq",
        "worker",
        "-A",
        "tests.bench.benchtasks",
        "-c",
        str(concurrency),
        "-P",
        pool,
    ]
    process = subprocess.Popen(
        [*command, "-c", str(concurrency), "-l", "ERROR"],
        env=environment,
        cwd=HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
