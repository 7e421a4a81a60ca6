"""A worker process that is asked and told from other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_worker import PACKAGE, TASKS, Run, Running
from tests.worker.waiting import PROGRAM_S, until

COMMANDS = '''
from localq.worker.control import inspect_command

@inspect_command(args=[("times", int)], signature="[times]")
def shout(state, times=1):
    """Shout."""
    return "hey " * times + state.hostname
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS + COMMANDS)
    os.mkfifo(tmp_path / "gate")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    """Return a function that starts `localq ...` there; what still runs in the end is killed."""
    started: list[Running] = []

    def start(line: str, **environment: str) -> Running:
        started.append(Running(folder, line, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        if one.process.stdout is not None:
            one.process.stdout.close()


def localq(folder: Path, line: str) -> str:
    """Run a command beside the worker, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "localq", *line.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_busy_worker_answers_grows_and_shuts_down(folder: Path, run: Run) -> None:
    worker = run("worker -A tasks -c 1 -n anna@h --loglevel info")
    worker.until("ready.")
    localq(folder, 'call tasks.wait -A tasks -a ["gate"]')
    worker.until("waiting")

    (one,) = json.loads(localq(folder, "inspect -j active -A tasks"))["anna@h"]
    assert (one["name"], one["args"]) == ("tasks.wait", ["gate"])
    assert "->  anna@h: OK" in localq(folder, "control pool_grow 1 -A tasks")
    assert localq(folder, "call tasks.add -A tasks -a [1,2] --wait 20").endswith("\n3\n")

    localq(folder, "control shutdown --path jobs.db")
    (folder / "gate").open("w").close()
    assert worker.end() == 0


def test_commands_of_the_app_are_listed_and_asked(folder: Path, run: Run) -> None:
    run("worker -A tasks -c 1 -n anna@h --loglevel info").until("ready.")

    assert "shout [times]\n    Shout.\n" in localq(folder, "inspect --list -A tasks")
    assert localq(folder, "inspect shout 2 -A tasks").startswith("->  anna@h: OK\n    hey hey anna@h\n")


def test_a_worker_scales_its_pool_by_demand(folder: Path, run: Run) -> None:
    worker = run("worker -A tasks --autoscale 3,1 -n anna@h --loglevel info")
    worker.until("1 to 3, by demand (processes)")
    worker.until("ready.")
    for _ in range(4):
        localq(folder, 'call tasks.wait -A tasks -a ["gate"]')

    until(lambda: len(json.loads(localq(folder, "inspect -j active -A tasks"))["anna@h"]) == 3)

    assert json.loads(localq(folder, "status -j -A tasks"))["workers"][0]["slots"] == 3


@pytest.mark.parametrize("bounds", ["0,0", "many"])
def test_bounds_that_cannot_be_stop_the_start(folder: Path, run: Run, bounds: str) -> None:
    worker = run(f"worker -A tasks --autoscale {bounds}")

    assert worker.end() == 2
    assert "MAX,MIN" in worker.said
