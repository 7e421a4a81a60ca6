"""A server that the dashboard is mounted in, told to stop while a page is open."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.waiting import PROGRAM_S, until

SITE = """
from starlette.applications import Starlette
from starlette.routing import Mount

from localq import LocalQ
from localq.web import dashboard

app = Starlette(routes=[Mount("/queue", dashboard(LocalQ(path="jobs.db"), who=lambda request: "ann"))])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="site-") as name:
        yield Path(name)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_page_that_is_open_does_not_keep_its_server_from_stopping(folder: Path, told: signal.Signals) -> None:
    (folder / "site_of_test.py").write_text(SITE)
    line = [sys.executable, "-m", "uvicorn", "--uds", "site.sock", "site_of_test:app"]
    server = subprocess.Popen(line, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        until((folder / "site.sock").exists, PROGRAM_S)
        with socket.socket(socket.AF_UNIX) as open_page:
            open_page.settimeout(PROGRAM_S)
            open_page.connect(str(folder / "site.sock"))
            open_page.sendall(b"GET /queue/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            said = b""
            while b"event: changed" not in said:
                said += open_page.recv(4096)

            server.send_signal(told)

            _, log = server.communicate(timeout=PROGRAM_S)
        assert "Application shutdown complete" in log
    finally:
        server.kill()
        server.wait(PROGRAM_S)
