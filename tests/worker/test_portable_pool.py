"""Programs where nothing of POSIX's own is used, as they run on every system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.worker.waiting import PROGRAM_S

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import logging, os, sys, time
from localq import LocalQ

logging.getLogger("localq").setLevel(logging.CRITICAL)


def tell(*words):
    with open(sys.argv[1] + ".told", "a") as file:
        print(*words, file=file)


q = LocalQ(path=sys.argv[1], worker_max_tasks_per_child=20)


@q.task
def add(x, y):
    return x + y


@q.task
def who():
    return os.getpid()


@q.task
def say(text):
    print(text)
    os.write(1, b"")
    return len(text)


@q.task
def die():
    os._exit(3)


@q.task(soft_time_limit=0.2)
def soft():
    while True:
        time.sleep(0.01)


@q.task(time_limit=0.2, max_retries=0)
def hard():
    while True:
        time.sleep(0.01)


@q.task(bind=True)
def far(self):
    self.progress(3, 4, "far")
    while True:
        time.sleep(0.01)


def ended(result):
    try:
        return result.get(timeout=120)
    except Exception as error:
        return type(error).__name__
"""

_APART = (
    _PROGRAM
    + """
import multiprocessing

OVER = sys.argv[1] + ".over"


def locks():
    return [name for name in os.listdir(sys.argv[1] + ".d") if name.endswith(".lock")]


@q.task(time_limit=0.5, max_retries=0)
def at_once():
    return "in time"


@q.task(max_crashes=1)
def leave_a_fork():
    if os.fork():
        os._exit(3)
    while not os.path.exists(OVER):
        time.sleep(0.01)
    os._exit(0)


@q.task
def forks_that_print():
    team = [multiprocessing.get_context("fork").Process(target=print, args=("y" * 60_000,)) for _ in range(3)]
    [one.start() for one in team]
    [one.join() for one in team]
    return [one.exitcode for one in team]


if __name__ == "__main__":
    os.environ["LOCALQ_FAULT"] = "slot.ready=sleep:1"
    with q.running(1, pool="processes"):
        del os.environ["LOCALQ_FAULT"]
        tell("limits", ended(at_once.delay()))
    with q.running(3, pool="processes", name="shrinks@h"):
        pids = q._embedded.worker.pool.pids
        tell("several", len(pids()))
        q.control.pool_shrink(2, destination=["shrinks@h"], reply=True)
        deadline = time.monotonic() + 60
        while (len(pids()) > 1 or len(locks()) > 2) and time.monotonic() < deadline:
            time.sleep(0.01)
        tell("fewer", len(pids()))
        tell("locks", len(locks()) <= 2)
        tell("died", ended(leave_a_fork.delay()))
        open(OVER, "w").close()
        tell("forked", ended(forks_that_print.delay()))
"""
)

_ENDS = (
    _PROGRAM
    + """
if __name__ == "__main__":
    tell("eager", add.apply((1, 2)).get())
    waits = add.delay(20, 22)
    with q.running(2, pool=sys.argv[2]):
        tell("waited", ended(waits))
        tell("many", sum(r.get(timeout=120) for r in [add.delay(i, 1) for i in range(100)]))
        pids = {who.delay().get(timeout=120) for _ in range(60)}
        tell("apart", os.getpid() not in pids, len(pids) > 2)
        tell("died", ended(die.delay()))
        tell("soft", ended(soft.delay()))
        tell("hard", ended(hard.delay()))
        said = say.delay("hello")
        ended(said)
        tell("printed", said.attempts[-1].output.strip())
        running = far.delay()
        while running.state != "PROGRESS":
            time.sleep(0.01)
        tell("told", running.info["done"], running.info["message"])
        running.revoke(terminate=True)
        tell("stopped", ended(running))
        @q.task(name="late")
        def late(x):
            return x * 2
        tell("late", ended(late.delay(21)))
    back = far.delay()
    q.conf.worker_shutdown_timeout = 0.1
    with q.running(1, pool=sys.argv[2]):
        while back.state != "PROGRESS":
            time.sleep(0.01)
    tell("back", back.state)
"""
)


def _run(program: str, folder: Path, *arguments: str, **environment: str) -> str:
    script = folder / "program.py"
    script.write_text(program)
    known = {name: value for name, value in os.environ.items() if name != "LOCALQ_PORTABLE"}
    done = subprocess.run(
        [sys.executable, str(script), str(folder / "jobs.db"), *arguments],
        env={**known, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "jobs.db.told").read_text()


#: What comes of it, however its processes are made.
_EXPECTED = """\
eager 3
waited 42
many 5050
apart True True
died WorkerLostError
soft SoftTimeLimitExceeded
hard TimeLimitExceeded
printed hello
told 3 far
stopped Terminated
late 42
back PENDING
"""


@pytest.mark.parametrize("portable", ["1", ""], ids=["portable", "forked"])
def test_jobs_end_alike_in_processes_that_are_forked_and_in_those_that_are_started(
    portable: str, tmp_path: Path
) -> None:
    assert _run(_ENDS, tmp_path, "processes", LOCALQ_PORTABLE=portable) == _EXPECTED


def test_a_process_is_apart_from_those_it_starts_and_from_the_time_it_takes_to_start(tmp_path: Path) -> None:
    assert (
        _run(_APART, tmp_path, LOCALQ_PORTABLE="1")
        == """\
limits in time
several 3
fewer 1
locks True
died WorkerLostError
forked [0, 0, 0]
"""
    )


@pytest.mark.parametrize("pool", ["threads", "processes"])
def test_a_program_runs_where_nothing_of_posix_is_there(pool: str, tmp_path: Path) -> None:
    program = (
        _PROGRAM
        + """
if __name__ == "__main__":
    tell("eager", add.apply((1, 2)).get())
    waits = add.delay(20, 22)
    with q.running(2, pool=sys.argv[2]):
        tell(ended(waits), ended(add.delay(1, 1)), ended(soft.delay()), ended(hard.delay()))
"""
    )
    said = _run(program, tmp_path, pool, PYTHONPATH=str(ROOT / "tests" / "without_posix"))
    assert said == "eager 3\n42 2 SoftTimeLimitExceeded TimeLimitExceeded\n"


#: Each with its exit code and what it prints, among the rest; the doctor warns of a job that nobody serves.
_COMMANDS: list[tuple[list[str], int, str]] = [
    (["call", "shop.add", "--args", "[20, 22]"], 0, ""),
    (["list"], 0, "shop.add"),
    (["report"], 0, "localq"),
    (["doctor"], 1, "The file is whole."),
    (["schedules"], 0, ""),
]


def test_commands_work_where_nothing_of_posix_is_there(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from localq import LocalQ\nq = LocalQ(path='jobs.db')\n@q.task\ndef add(x, y):\n    return x + y\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "without_posix")}
    for command, code, expected in _COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "localq", "-A", "shop", *command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S,
        )
        assert done.returncode == code, (command, done.stderr)
        assert expected in done.stdout


def test_a_process_whose_worker_is_killed_ends_whatever_it_runs(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        _PROGRAM
        + """
@q.task(bind=True)
def linger(self):
    self.progress(os.getpid(), 0)
    while True:
        time.sleep(0.01)


if __name__ == "__main__":
    running = linger.delay()
    with q.running(1, pool="processes"):
        while running.state != "PROGRESS":
            time.sleep(0.01)
        print(running.info["done"], flush=True)
        sys.stdin.read()
"""
    )
    worker = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "jobs.db")],
        env={**os.environ, "LOCALQ_PORTABLE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert _runs(pid)
    worker.kill()
    worker.communicate()
    deadline = time.monotonic() + 60
    while _runs(pid):
        assert time.monotonic() < deadline, f"process {pid} outlives its worker"


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
