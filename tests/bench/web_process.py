"""The dashboard and a worker as processes of their own, and what they take: for `tests.bench.dashboard`."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["TOKEN", "Answer", "Web", "cpu_of", "cpu_with_children", "evict", "worker"]

TOKEN = "bench"
_HERE = Path(__file__).parents[2]
#: Read a byte of it and drop it all from the system's cache: in a process of its own, which holds no lock to lose.
_EVICT = "import os, sys; f = os.open(sys.argv[1], os.O_RDONLY); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)"


class Answer(NamedTuple):
    """What came of a request: seconds on the wall, and of the dashboard's processor time."""

    status: int
    wall_s: float
    cpu_s: float
    size: int
    body: bytes


def cpu_of(pid: int) -> float:
    """Return how long a process has run so far, in seconds: its threads that ended too (Linux)."""
    # What clock_getcpuclockid() returns.
    return time.clock_gettime((~pid << 3) | 2)


def cpu_with_children(pid: int) -> float:
    """Return how long a process and all that it started have run so far, in seconds (Linux)."""
    total = 0.0
    with contextlib.suppress(OSError):
        total = cpu_of(pid)
        for task in os.listdir(f"/proc/{pid}/task"):
            started = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
            total += sum(cpu_with_children(int(one)) for one in started)
    return total


def evict(file: Path) -> None:
    """Let the system forget what it has read of a file."""
    os.sync()
    for name in (file, Path(f"{file}-wal")):
        if name.exists():
            subprocess.run([sys.executable, "-c", _EVICT, str(name)], check=True)


def _environment(file: Path) -> dict[str, str]:
    kept = {**os.environ, "PYTHONPATH": str(_HERE), "LOCALQ_BENCH_PATH": str(file)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "LOCALQ_BENCH_DURABILITY": "normal"}


def _started(file: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "localq", *words, "-A", "tests.bench.dashtasks"],
        env=_environment(file),
        cwd=_HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def worker(file: Path, slots: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker."""
    process = _started(file, "worker", "-c", str(slots), "-l", "ERROR")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


class Web:
    """A dashboard that runs until the end of a `with`, and one connection to it."""

    def __init__(self, file: Path) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self._process = _started(file, "flower", "--port", str(self.port), "--token", TOKEN)
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def __enter__(self) -> Web:
        until = time.monotonic() + 60
        while True:
            try:
                self.ask("/healthcheck")
                return self
            except OSError:
                self._connection.close()
                if self._process.poll() is not None or time.monotonic() > until:
                    self._process.kill()
                    raise
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(30)

    @property
    def cpu_s(self) -> float:
        """What it took of a processor so far."""
        return cpu_of(self._process.pid)

    def ask(self, path: str) -> Answer:
        """Get a path."""
        cpu, begun = self.cpu_s, time.perf_counter()
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/html"})
        answer = self._connection.getresponse()
        body = answer.read()
        wall = time.perf_counter() - begun
        return Answer(answer.status, wall, self.cpu_s - cpu, len(body), body)
