from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("check.py")


class Pages(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    request_queue_size = 512


@pytest.fixture
def site() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_page_has_a_line_with_its_status(site: str, tmp_path: Path) -> None:
    pages = [f"{site}/{number}" for number in range(200)]
    (tmp_path / "urls.txt").write_text("\n".join([*pages, f"{site}/gone"]))

    done = subprocess.run(
        [sys.executable, SCRIPT, "urls.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )

    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [url for _, url in lines] == [*pages, f"{site}/gone"]
    assert {status for status, url in lines if not url.endswith("gone")} == {"HTTP/1.0 200 OK"}
    assert lines[-1][0] == "HTTP/1.0 404 Not Found"


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")

    done = subprocess.run(
        [sys.executable, SCRIPT, "urls.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )

    assert "ConnectionRefusedError" in done.stdout
