"""A worker of its own process on a file and on servers: the same program, and the same of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localq import LocalQ, chain, chord, current, group
from localq.exceptions import TaskRevokedError
from localq.store.protocol import Filter
from tests.store.redis_server import RedisServer
from tests.store.server import PLACES, Server, place
from tests.worker.waiting import DEADLINE_S

#: Seconds within which everything here is over.
TASKS = """
    import os, time
    from pathlib import Path
    from localq import LocalQ

    q = LocalQ("shop", url=os.environ["SHOP_URL"])

    @q.task
    def add(a, b):
        return a + b

    @q.task
    def total(numbers):
        return sum(numbers)

    @q.task(bind=True, autoretry_for=(ValueError,), default_retry_delay=0.01, max_retries=3)
    def stubborn(self):
        if self.request.retries < 2:
            raise ValueError("not yet")
        return self.request.retries

    @q.task
    def write(path, text):
        with open(path, "a") as file:
            file.write(text)

    @q.task(acks_late=True)
    def hang(path):
        first = not Path(path).exists()
        Path(path).write_text(str(os.getpid()))
        if first:
            time.sleep(600)
        return "ran again"

    @q.task(rate_limit="50/s")
    def limited(number):
        return number
"""


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where the jobs are."""
    with place(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def q(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalQ]:
    """Return the program's app in this process."""
    (tmp_path / "shop_tasks.py").write_text(textwrap.dedent(TASKS))
    monkeypatch.setenv("SHOP_URL", url)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("shop_tasks", None)
    import shop_tasks  # type: ignore[import-not-found]

    yield shop_tasks.q
    shop_tasks.q.close()
    sys.modules.pop("shop_tasks", None)
    current.set_app(None)


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(q: LocalQ, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker in a process of its own, and returns once it is there."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> subprocess.Popen[bytes]:
        before = len(q.store.workers.all())
        words = [sys.executable, "-m", "localq", "-A", "shop_tasks", "worker", "-c", "1", *options]
        with open(tmp_path / f"log-{len(started)}", "wb") as log:
            one = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
        started.append(one)
        until(lambda: len(q.store.workers.all()) > before)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.terminate()
    for one in started:
        one.wait(DEADLINE_S)


def until(there: Callable[[], object]) -> None:
    """Wait for something that a process does."""
    end = time.monotonic() + DEADLINE_S
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_program_runs_with_all_it_has(q: LocalQ, start: Start, tmp_path: Path) -> None:
    tasks = sys.modules["shop_tasks"]
    start()

    assert tasks.add.delay(2, 2).get(timeout=DEADLINE_S) == 4
    assert tasks.stubborn.delay().get(timeout=DEADLINE_S) == 2
    assert tasks.add.apply_async((3, 3), countdown=0.2).get(timeout=DEADLINE_S) == 6
    assert chain(tasks.add.s(1, 1), tasks.add.s(2))().get(timeout=DEADLINE_S) == 4
    assert group(tasks.add.s(i, 1) for i in range(3))().get(timeout=DEADLINE_S) == [1, 2, 3]
    assert chord([tasks.add.s(i, i) for i in range(5)], tasks.total.s())().get(timeout=DEADLINE_S) == 20
    text = "x" * 100_000
    assert tasks.add.delay(text, text).get(timeout=DEADLINE_S) == text * 2
    assert sorted(job.get(timeout=DEADLINE_S) for job in [tasks.limited.delay(i) for i in range(20)]) == list(range(20))
    assert list(q.control.inspect(timeout=DEADLINE_S, limit=1).ping().values()) == [{"ok": "pong"}]

    late = tasks.add.apply_async((1, 1), countdown=3600)
    late.revoke()
    with pytest.raises(TaskRevokedError):
        late.get(timeout=DEADLINE_S)


def test_the_best_job_of_many_queues_comes_first(q: LocalQ, start: Start, tmp_path: Path) -> None:
    write, path = sys.modules["shop_tasks"].write, tmp_path / "order"
    for queue in ("one", "two"):
        for priority in (3, 9, 5):
            write.apply_async((str(path), f"{priority}"), queue=queue, priority=priority)
    last = write.apply_async((str(path), "0"), queue="two", priority=0)

    start("--prefetch-multiplier", "1")

    last.get(timeout=DEADLINE_S)
    assert path.read_text() == "9955330"


def test_a_schedule_fires_once_whoever_beats(q: LocalQ, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    q.add_periodic_task(1.0, sys.modules["shop_tasks"].write.s(str(path), "."), name="tick")
    with open(tmp_path / "shop_tasks.py", "a") as file:
        file.write(f"\nq.add_periodic_task(1.0, write.s({str(path)!r}, '.'), name='tick')\n")

    start("--beat", "-n", "anna@%h")
    start("--beat", "-n", "bert@%h")

    until(lambda: path.exists() and len(path.read_text()) >= 3)
    fired = [row.nominal for row in q.store.schedules.ledger("tick", 100)]
    assert len(fired) == len(set(fired)) >= 3


def test_what_a_killed_worker_had_runs_again_by_another(q: LocalQ, start: Start, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    first = start("-n", "anna@%h")
    job = sys.modules["shop_tasks"].hang.delay(str(marker))
    until(lambda: marker.exists() and marker.read_text())

    os.killpg(first.pid, signal.SIGKILL)
    first.wait(DEADLINE_S)
    start("-n", "bert@%h")

    assert job.get(timeout=DEADLINE_S) == "ran again"


@pytest.fixture(params=PLACES[1:])
def own(request: pytest.FixtureRequest) -> Iterator[Server | RedisServer]:
    """Return a server of the test's own, that keeps what it acknowledges."""
    if request.param == "redis":
        found: Server | RedisServer = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    else:
        found = Server()
    yield found
    found.stop()


def test_a_worker_goes_on_after_its_server_crashed(
    own: Server | RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    url = own.url() if isinstance(own, RedisServer) else own.url
    monkeypatch.setenv("SHOP_URL", url)
    (tmp_path / "shop_tasks.py").write_text(textwrap.dedent(TASKS))
    q = LocalQ("shop", url=url)
    request.addfinalizer(lambda: (q.close(), current.set_app(None)))
    words = [sys.executable, "-m", "localq", "-A", "shop_tasks", "worker", "-c", "1"]
    with open(tmp_path / "log", "wb") as log:
        worker = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log)
    request.addfinalizer(lambda: (worker.terminate(), worker.wait(DEADLINE_S)))
    before = q.send_task("shop_tasks.add", (1, 1))
    assert before.get(timeout=DEADLINE_S) == 2

    own.kill()
    own.start()

    assert q.send_task("shop_tasks.add", (2, 2)).get(timeout=DEADLINE_S) == 4
    assert before.get(timeout=DEADLINE_S) == 2
    assert worker.poll() is None
    assert len(q.store.read.find(Filter(), 10).jobs) == 2
