from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "servers.md"
BIN = Path(sys.executable).parent
#: Where the programs of the page are called otherwise: uWSGI's of a wheel.
NAMES = {"uwsgi": "pyuwsgi"}
SERVERS = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(("gunicorn", "uvicorn", "uwsgi"))]
(WORKER,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("localq worker")]
SECONDS = 120.0


def until(look: Callable[[], Any]) -> Any:
    """Return the first answer that holds."""
    end = time.monotonic() + SECONDS
    while not (answer := look()):
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)
    return answer


@pytest.fixture
def folder() -> Iterator[Path]:
    """Copy the site into a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="shop-") as name:
        shutil.copytree(HERE, name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.db*"))
        yield Path(name)


@contextlib.contextmanager
def started(folder: Path, line: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the page in a folder; what it says is in `said`."""
    name, *words = shlex.split(line)
    if not (program := BIN / NAMES.get(name, name)).exists():
        pytest.skip(f"{name} is not installed")
    environment = {**os.environ, "SHOP_JOBS": str(folder / "jobs.db"), "PYTHONPATH": str(folder)}
    with (folder / "said").open("ab") as said:
        server = subprocess.Popen(
            [program, *words], cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def asked(path: Path, method: str, url: str, host: str = "localhost") -> Any:
    """Return what the server behind a socket answers, or None where it does not."""
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(SECONDS)
    try:
        connection.sock.connect(str(path))
        connection.request(method, url)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def priced(path: Path, amount: int) -> int:
    """Have the site price an amount, and return the price when the job is over."""
    job = until(lambda: asked(path, "POST", f"/prices/{amount}"))["id"]
    return int(until(lambda: (asked(path, "GET", f"/prices/{job}") or {}).get("price")))


@pytest.mark.parametrize("line", SERVERS)
def test_a_command_of_the_page_serves_the_site_and_its_jobs_run(folder: Path, line: str) -> None:
    with contextlib.ExitStack() as stack:
        if "site_wsgi" in line:
            stack.enter_context(started(folder, WORKER))
        server = stack.enter_context(started(folder, line))

        prices = [priced(folder / "site.sock", amount) for amount in (1, 2, 30)]
        if line.startswith("uwsgi"):
            # A process that still loads the site is interrupted by uWSGI, which shows where.
            until(lambda: (folder / "said").read_text().count("WSGI app 0 (mountpoint='') ready") == 2)
        server.terminate()
        code = server.wait(SECONDS)

    said = (folder / "said").read_text()
    assert prices == [3, 6, 90], said
    # The reloader of uvicorn ends by the signal itself.
    assert code in (0, -signal.SIGTERM), said
    assert "Traceback" not in said, said


def test_nginx_hands_requests_on_to_the_site(folder: Path) -> None:
    if (nginx := shutil.which("nginx")) is None:
        pytest.skip("nginx is not installed")
    shop = (HERE / "nginx.conf").read_text().replace("/srv/shop", str(folder))
    shop = shop.replace("listen 80;", f"listen unix:{folder}/nginx.sock;").replace("127.0.0.1:5555", f"unix:{folder}/n")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    (folder / "all.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; {'user root;' if os.geteuid() == 0 else ''}"
        f"events {{}} http {{ access_log off; {temporary} {shop} }}"
    )

    with started(folder, SERVERS[0].replace("site_wsgi", "site_with_pool")):
        until((folder / "site.sock").exists)
        proxy = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "all.conf")])
        try:
            assert priced(folder / "nginx.sock", 5) == 15
        finally:
            proxy.terminate()
            proxy.wait(SECONDS)


def test_the_page_shows_the_lifespan_that_is_tried() -> None:
    page = PAGE.read_text("utf-8")

    lifespan = (HERE / "site_asgi.py").read_text("utf-8").partition("    async with")[2].partition("\n\n")[0]
    assert lifespan
    assert lifespan in page


def test_the_page_names_files_and_programs_of_the_example() -> None:
    modules = {name for line in [*SERVERS, WORKER] for name in re.findall(r"\b(site_\w+|shop)\b(?=:| |$)", line)}

    assert modules == {"shop", "site_wsgi", "site_with_pool", "site_asgi"}
    assert all((HERE / f"{name}.py").exists() for name in modules)
