"""Processes that tasks start: how they can be ended, and what becomes of them when nobody waits for them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localq import LocalQ
from tests.worker.test_programs import HEAD
from tests.worker.waiting import DEADLINE_S, PROGRAM_S


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ("children", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()


@pytest.mark.parametrize("pool", ["processes", "asyncio", "gevent"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1, signal.SIGTERM])
def test_a_program_that_a_task_started_is_ended_by_signals(q: LocalQ, pool: str, number: int) -> None:
    @q.task
    def starts() -> int:
        with subprocess.Popen(["sleep", "60"]) as program:
            program.send_signal(number)
            return program.wait(DEADLINE_S)

    with q.running(concurrency=1, pool=pool):
        assert starts.delay().get(timeout=DEADLINE_S) == -number


@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_a_process_of_jobs_passes_over_what_ctrl_c_sends(q: LocalQ, pool: str) -> None:
    @q.task
    def hit() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "goes on"

    with q.running(concurrency=1, pool=pool):
        assert hit.delay().get(timeout=DEADLINE_S) == "goes on"


PROCESS_1 = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]


def own_processes() -> bool:
    """Whether a program can be process 1 here."""
    words = ["unshare", "--fork", "--pid", "--mount-proc", "true"]
    return (
        shutil.which("unshare") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not own_processes(), reason="unshare may not make a namespace of processes here")
@pytest.mark.parametrize("pool", ["processes", "asyncio"])
def test_process_1_reaps_the_orphans_of_tasks_and_leaves_what_the_program_started(tmp_path: Path, pool: str) -> None:
    text = f"""
import os, signal, subprocess, time
from pathlib import Path

@q.task
def leaves_one():
    os.system("sleep 0.1 & echo $! >> left")

assert os.getpid() == 1
mine = [subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=new) for new in (False, True)]
with q.running(concurrency=2, pool={pool!r}):
    [job.get(120) for job in [leaves_one.delay() for _ in range(10)]]
    left = Path("left").read_text().split()
    until = time.monotonic() + 20
    while any(Path("/proc", pid).exists() for pid in left) and time.monotonic() < until:
        time.sleep(0.05)
    print(len(left), [pid for pid in left if Path("/proc", pid).exists()], [one.wait() for one in mine])
"""
    (tmp_path / "program.py").write_text(HEAD + text)

    done = subprocess.run(
        [*PROCESS_1, sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "10 [] [3, 3]\n"), done.stderr
