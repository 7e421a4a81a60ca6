"""Fill a file with a million finished jobs: `python -m tests.bench.million FILE [--jobs N]`.

One of a hundred failed, tasks are common and rare, some arguments have a megabyte, one workflow has ten thousand jobs,
names hold what breaks addresses and markup, and the jobs lie over three days up to now.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localq import LocalQ
from localq.model.job import JobState
from localq.serialization import failure
from localq.store.sql.layout import ATTEMPT_BITS

__all__ = ["FAMILY", "RARE", "fill"]

#: The name of the large workflow, and the task of which there are three jobs, the oldest.
FAMILY, RARE = "the-large-workflow", "rare.once/a%year<b>"
_TASKS = ["shop.mail", "shop.pack", "shop.bill", "images.resize", "reports.daily/%<i>"]
_TASKS += [f"other.task_{number}" for number in range(16)]
_QUEUES = ["default", "mail", "images/large", "a%20<b>"]
_DAYS_US = 3 * 86_400 * 1_000_000
_NODES, _LARGE, _BATCH = 10_000, 20, 10_000
_JOB = ["key", "id", "task", "queue", "priority", "state", "run_at", "run_token", "attempts"]
_JOB += ["created_at", "finished_at", "args", "role", "workflow"]
_ATTEMPT = ["key", "worker", "started_at", "ended_at", "ending", "result", "failure", "peak_kb", "output"]


def fill(path: Path, count: int, now: int) -> None:
    """Make a file of so many finished jobs."""
    app = LocalQ("bench", path=path, durability="normal")
    app.store.open()
    app.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    random.seed(12)
    for first in range(1, count + 1, _BATCH):
        connection.execute("BEGIN")
        rows = [_row(key, count, now) for key in range(first, min(first + _BATCH, count + 1))]
        _insert(connection, "job", _JOB, [job for job, _ in rows])
        _insert(connection, "attempt", _ATTEMPT, [attempt for _, attempt in rows])
        connection.execute("COMMIT")
    _extras(connection, count)
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _row(key: int, count: int, now: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return a job and its attempt."""
    created = now - _DAYS_US + _DAYS_US * key // (count + 1)
    started = created + random.randrange(1_000, 3_000_000)
    ended = min(started + random.randrange(1_000, 20_000_000), now)
    failed = random.random() < 0.01
    task = RARE if key <= 3 else _TASKS[min(int(random.expovariate(0.4)), len(_TASKS) - 1)]
    queue = random.choices(_QUEUES, (70, 20, 8, 2))[0]
    in_family = count // 2 < key <= count // 2 + _NODES
    args = json.dumps([[key, f"customer-{key % 9973}@example.com"], {"note": "x" * random.randrange(60)}]).encode()
    state = JobState.FAILED if failed else JobState.SUCCEEDED
    job = (key, f"{random.getrandbits(128):032x}", task, queue, 0, int(state), created, 1, 1, created, ended, args)
    said = failure.dump(failure.Failure("ValueError", "builtins", f"order {key} is lost")) if failed else None
    attempt = (key << ATTEMPT_BITS | 1, f"w{key % 4}@box", started, ended, state.name, b"null", said, 40_000, None)
    ending = "FAILURE" if failed else "SUCCESS"
    return (*job, 1 if in_family else 0, FAMILY if in_family else None), (*attempt[:4], ending, *attempt[5:])


def _extras(connection: sqlite3.Connection, count: int) -> None:
    """Add the edges of the workflow, and arguments of a megabyte."""
    first = count // 2 + 1
    connection.execute("BEGIN")
    edges = list(_edges(first, min(_NODES, count - first)))
    _insert(connection, "edge", ["waiter", "position", "awaited", "passing", "on_error"], edges)
    for key in range(count, max(count - 50 * _LARGE, 0), -50):
        connection.execute("UPDATE job SET args = NULL WHERE key = ?", (key,))
        connection.execute(
            "INSERT INTO payload (job, args) VALUES (?, ?)", (key, b'[["' + b"y" * 1_000_000 + b'"], {}]')
        )
    connection.execute("COMMIT")


def _edges(first: int, nodes: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield a chord: every node but the last before the last."""
    for place in range(nodes - 1):
        yield first + nodes - 1, place, first + place, 2, 0


def main() -> None:
    """Fill the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    given = parser.parse_args()
    begun = time.monotonic()
    fill(given.file, given.jobs, time.time_ns() // 1000)
    size = given.file.stat().st_size / 1e6
    print(f"{given.jobs:,} jobs, {size:,.0f} MB, in {time.monotonic() - begun:.0f} s: {given.file}")


if __name__ == "__main__":
    main()
