"""A real dashboard beside a real worker, and the system's Chromium to look at it with."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from localq import LocalQ
from tests.worker.waiting import DEADLINE_S, until

__all__ = ["CHROMIUM", "TOKEN", "Browser", "Shop", "chromium", "open_shop", "signal_browser"]

TOKEN = "a-token-of-the-test"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: What a browser may take to drop a page, in seconds; alone it takes some 50 ms.
HANGS_S = 60
_ARGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_PROGRAM = """
import time
from pathlib import Path
from localq import LocalQ, chord, group

q = LocalQ("shop", path={path!r}, durability="normal")
q.conf.beat_schedule = {{"nightly": {{"task": "shop.mail", "schedule": "0 3 * * *", "args": ("boss",)}}}}

@q.task(name="shop.mail")
def mail(to, password=""):
    print("mailing", to)
    return {{"sent": to}}

@q.task(name="shop.pack")
def pack(order):
    raise ValueError(f"order {{order}} is lost")

@q.task(name="shop.hold")
def hold(gate):
    while not Path(gate).exists():
        time.sleep(0.05)
"""


class Shop(NamedTuple):
    """A queue whose worker and dashboard run in processes of their own."""

    q: LocalQ
    base: str
    folder: Path


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Run `localq serve` over a program with tasks, until the block ends."""
    path = str(folder / "jobs.db")
    (folder / "shop_of_the_test.py").write_text(_PROGRAM.format(path=path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    words = [sys.executable, "-m", "localq", "-A", "shop_of_the_test", "serve", "-c", "2", "--port", str(port)]
    environment = {
        **os.environ,
        "LOCALQ_DASHBOARD_TOKEN": TOKEN,
        "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log)
        q = LocalQ("shop", path=path)
        try:
            base = f"http://127.0.0.1:{port}"
            until(lambda: _answers(base), DEADLINE_S)
            yield Shop(q, base, folder)
        finally:
            process.terminate()
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            q.close()


def _answers(base: str) -> bool:
    try:
        with urlopen(f"{base}/jobs") as answer:
            return bool(answer.status == 200)
    except URLError as error:
        return getattr(error, "code", 0) == 401


class Browser:
    """A Chromium that is started when a page is wanted, and ended where it hangs: the next page starts another.

    Chromium now and then never answers when it is to drop a page's context; nothing is to be learned from that.
    """

    def __init__(self, player: Any) -> None:
        self._player = player
        self._running: Any = None

    @contextmanager
    def page(self, **options: Any) -> Iterator[Any]:
        """Open a page with cookies of its own, until the block ends."""
        context = self._context(options)
        try:
            yield context.new_page()
        finally:
            with _ended_when_it_hangs():
                context.close()

    def _context(self, options: dict[str, Any]) -> Any:
        if self._running is None or not self._running.is_connected():
            self._running = self._player.chromium.launch(executable_path=CHROMIUM, args=list(_ARGS))
        return self._running.new_context(**options)

    def close(self) -> None:
        """End what runs."""
        if self._running is not None:
            with _ended_when_it_hangs():
                self._running.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser; where there is none, the test is skipped with the reason."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as player:
        browser = Browser(player)
        yield browser
        browser.close()


@contextmanager
def _ended_when_it_hangs() -> Iterator[None]:
    """End the browser if the block takes more than a minute; what Playwright says of that end is no error."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        signal_browser(signal.SIGKILL)

    impatient = threading.Timer(HANGS_S, end)
    impatient.start()
    try:
        yield
    except Exception:
        if not ended.is_set():
            raise
    finally:
        impatient.cancel()


def signal_browser(number: int) -> None:
    """Signal the browser that this process has started, and no other."""
    for pid in _below(os.getpid()):
        with contextlib.suppress(OSError):
            if b"--remote-debugging-pipe" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, number)


def _below(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for told in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, told.read_text().split()):
                yield child
                yield from _below(child)
