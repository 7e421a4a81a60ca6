"""What large values leave behind in the processes that they pass: nothing of their size."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worker.test_hosts import served
from tests.worker.waiting import until

_APP = """
import os
from localq import LocalQ

q = LocalQ("memory", path="jobs.db", durability="normal", task_args_max_bytes=1 << 28, result_max_bytes=1 << 28)


@q.task
def echo(value):
    return value


@q.task
def pid():
    return os.getpid()
"""
_CLIENT = """
import sys
from pathlib import Path
from app import echo, pid

Path("slot").write_text(str(pid.delay().get(timeout=120)))
for line in sys.stdin:
    size = int(line)
    assert len(echo.delay("x" * size).get(timeout=240)) == size
    Path(f"done-{size}").touch()
"""
#: A value, what a process may keep of it (SQLite's pages, and blocks too small to go back), and what it holds itself.
_LARGE, _KEPT = 100_000_000, 32 << 20


def anonymous(pid: int) -> int:
    """Return the bytes of memory that are a process's own."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


@pytest.mark.skipif(not anonymous(os.getpid()), reason="the system does not tell what a process holds")
def test_client_worker_and_slot_give_a_value_of_100_megabytes_back(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "client.py").write_text(_CLIENT)
    work = [sys.executable, "-m", "localq", "-A", "app:q", "worker", "-c", "1", "-l", "WARNING"]
    os.mkfifo(tmp_path / "asked")
    ask = ["sh", "-c", f"exec {sys.executable} client.py < asked"]

    with served(tmp_path, *work) as worker, served(tmp_path, *ask) as client, (tmp_path / "asked").open("w") as sizes:

        def echoed(size: int) -> None:
            print(size, file=sizes, flush=True)
            until((tmp_path / f"done-{size}").exists, 300)

        echoed(1_000_000)
        processes = {"client": client.pid, "worker": worker.pid, "slot": int((tmp_path / "slot").read_text())}
        before = {name: anonymous(pid) for name, pid in processes.items()}
        echoed(_LARGE)

        for name, pid in processes.items():
            until(_smaller(pid, before[name] + _KEPT))


def _smaller(pid: int, most: int) -> Callable[[], bool]:
    return lambda: 0 < anonymous(pid) < most
