"""The dashboard as a program, and beside a worker."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from localq.cli import main
from tests.worker.waiting import DEADLINE_S

APP = """
from localq import LocalQ

q = LocalQ("shop", path="jobs.db", durability="normal")


@q.task
def add(x, y):
    return x + y
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a command in a folder with an app; what is left of it is killed at the end."""
    (tmp_path / "shop.py").write_text(APP)
    started: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "localq", "-A", "shop", *words],
            cwd=tmp_path,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def status(port: int, path: str = "/", **headers: str) -> int:
    """Return what the page answers with; 0 where there is none."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=DEADLINE_S
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0


def until(port: int, wanted: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while (found := status(port)) != wanted:
        assert time.monotonic() < end, f"the page answers with {found}"
        time.sleep(0.05)


def test_the_page_alone_lets_the_same_users_programs_in_and_a_browser_by_its_link_once(start: Start, port: int) -> None:
    page = start("flower", "--port", str(port))
    assert page.stdout is not None

    link = re.fullmatch(rf"Dashboard: http://127.0.0.1:{port}(/login\?once=\S+)\n", page.stdout.readline())

    assert link is not None
    until(port, 200)
    assert status(port, Cookie="any=1") == 401, "a browser that has not logged in"
    assert status(port, link[1], Cookie="any=1") in (200, 401), "the redirect goes on without the cookie"
    assert status(port, link[1]) == 401
    page.send_signal(signal.SIGTERM)
    assert page.wait(DEADLINE_S) in (0, -signal.SIGTERM)


def test_a_worker_that_is_served_has_its_page_as_long_as_it_lives(start: Start, port: int) -> None:
    worker = start("serve", "--port", str(port))
    until(port, 200)

    worker.send_signal(signal.SIGHUP)
    until(port, 0)
    until(port, 200)

    worker.kill()
    until(port, 0)


def test_a_page_that_cannot_be_had_keeps_no_job_from_running(start: Start, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        worker = start("serve", "--port", str(port))
        assert worker.stdout is not None
        said = ""
        while "cannot answer" not in said:
            line = worker.stdout.readline()
            assert line, said
            said += line
        assert f"http://127.0.0.1:{port}" in said

    added = start("call", "shop.add", "-a", "[2, 2]")
    assert added.stdout is not None
    job = added.stdout.read().strip()
    found = start("result", job, "--wait", str(DEADLINE_S))
    assert found.wait(DEADLINE_S) == 0


def test_jobs_in_memory_have_no_page() -> None:
    found = CliRunner().invoke(main, ["--path", ":memory:", "flower"])

    assert found.exit_code == 2
    assert "memory" in found.output
