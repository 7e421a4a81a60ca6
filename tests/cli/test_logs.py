"""`localq logs`, beside workers that are processes: while a job runs, after it, and after the end of its worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ
from localq.model.outcome import OUTPUT_KEPT
from tests.cli.test_worker import PACKAGE
from tests.store.server import PLACES, place
from tests.worker.waiting import DEADLINE_S, until

TASKS = """
import os, time
from pathlib import Path
from localq import LocalQ
from localq.log import get_task_logger

q = LocalQ("shop", url=os.environ["SHOP_URL"])
log = get_task_logger(__name__)

def opened(gate):
    while not Path(gate).exists():
        time.sleep(0.01)

@q.task(bind=True, max_retries=1)
def talk(self, gate, again=False):
    print("one")
    log.warning("two")
    opened(gate)
    print("three", end="")
    if again and not self.request.retries:
        raise self.retry(countdown=0)
    if not again:
        raise ValueError("four")

@q.task
def quiet():
    pass

@q.task
def much(lines):
    for number in range(lines):
        print("line", number)
"""


class Program:
    """A `localq` process; its streams are files, so that neither end waits for the other."""

    def __init__(self, folder: Path, number: int, url: str, *words: str) -> None:
        self.out, self.err = folder / f"{number}.out", folder / f"{number}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "localq", "-A", "tasks", *words],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": PACKAGE, "SHOP_URL": url},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.out.read_text()

    def told(self) -> str:
        return self.err.read_text()

    def end(self) -> int:
        return self.process.wait(DEADLINE_S)


Start = Callable[..., Program]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where the jobs are: in a file, where a test says nothing else."""
    with place(getattr(request, "param", "file"), tmp_path) as found:
        yield found


@pytest.fixture
def shop(url: str) -> Iterator[LocalQ]:
    """Return an app that enqueues what the program's workers know."""
    app = LocalQ("shop", url=url)
    yield app
    app.close()


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts `localq ...` about the program; what still runs in the end is killed."""
    (tmp_path / "tasks.py").write_text(TASKS)
    started: list[Program] = []

    def begin(*words: str) -> Program:
        started.append(Program(tmp_path, len(started), url, *words))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


# Live


def live(shop: LocalQ, start: Start, tmp_path: Path) -> tuple[str, Program]:
    """Follow a job that waits for its gate, and open that; return what was shown before, and the ended program."""
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"),))
    logs = start("logs", "-f", job.id)
    until(lambda: "two" in logs.said(), DEADLINE_S)
    early = logs.said()
    (tmp_path / "gate").touch()
    logs.end()
    return early, logs


@pytest.mark.parametrize("pool", ["processes", "threads", "solo", "asyncio"])
def test_lines_appear_while_the_task_runs(shop: LocalQ, start: Start, tmp_path: Path, pool: str) -> None:
    start("worker", "-c", "1", "-P", pool)

    early, logs = live(shop, start, tmp_path)

    assert early == "one\nWARNING:tasks:two\n"
    assert logs.said() == "one\nWARNING:tasks:two\nthree\n"
    assert "attempt 1: FAILURE on " in logs.told()
    assert "ValueError: four" in logs.told()
    assert logs.process.returncode == 1


@pytest.mark.parametrize("url", PLACES[1:], indirect=True)
def test_they_do_so_over_a_server(shop: LocalQ, start: Start, tmp_path: Path) -> None:
    start("worker", "-c", "1")

    early, logs = live(shop, start, tmp_path)

    assert (early, logs.said()) == ("one\nWARNING:tasks:two\n", "one\nWARNING:tasks:two\nthree\n")


def test_a_job_is_followed_from_before_its_first_run_through_all_of_them(
    shop: LocalQ, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "gate").touch()
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"), True))
    logs = start("logs", "-f", job.id)
    until(lambda: "No worker is alive." in logs.told(), DEADLINE_S)
    start("worker", "-c", "1")

    code = logs.end()

    assert code == 0
    assert logs.said() == "one\nWARNING:tasks:two\nthree\n" * 2
    assert "attempt 1: RETRY on " in logs.told()
    assert "attempt 2: SUCCESS on " in logs.told()


def test_what_a_killed_worker_had_said_stays_shown_and_the_next_run_follows(
    shop: LocalQ, start: Start, tmp_path: Path
) -> None:
    worker = start("worker", "-c", "1", "-n", "first")
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"),))
    logs = start("logs", "-f", job.id)
    until(lambda: "two" in logs.said(), DEADLINE_S)
    os.killpg(worker.process.pid, signal.SIGKILL)
    worker.end()
    (tmp_path / "gate").touch()
    start("worker", "-c", "1", "-n", "second")

    logs.end()
    after = start("logs", job.id)
    after.end()

    assert logs.said() == "one\nWARNING:tasks:two\n" + "one\nWARNING:tasks:two\nthree\n"
    assert "attempt 1: LOST on " in logs.told()
    assert after.said() == "one\nWARNING:tasks:two\nthree\n"
    assert "attempt 1: LOST on " in after.told()


def test_of_much_output_nothing_is_shown_twice_and_the_end_is_whole(shop: LocalQ, start: Start) -> None:
    start("worker", "-c", "1")
    job = shop.send_task("tasks.much", (20_000,))
    logs = start("logs", "-f", job.id)

    code = logs.end()
    after = start("logs", job.id)
    after.end()

    lines = logs.said().split("\n")[:-1]
    whole = [line for line in lines if line.startswith("line ")]
    assert code == 0
    assert len(set(whole)) == len(whole)
    assert whole[-1] == "line 19999"
    assert len(after.said()) == OUTPUT_KEPT
    assert "what came before this is not kept" in after.told()


# Once


def test_what_a_running_job_has_said_so_far_is_shown_without_waiting_for_its_end(
    shop: LocalQ, start: Start, tmp_path: Path
) -> None:
    start("worker", "-c", "1")
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"),))
    until(lambda: job.state == "STARTED", DEADLINE_S)

    def shown() -> str:
        logs = start("logs", job.id)
        assert logs.end() == 0
        return logs.said()

    said = until(lambda: (text := shown()).endswith("two\n") and text, DEADLINE_S)

    assert said == "one\nWARNING:tasks:two\n"


def test_a_worker_that_does_not_answer_is_said_to_be_so(shop: LocalQ, start: Start, tmp_path: Path) -> None:
    worker = start("worker", "-c", "1", "-n", "mute@here")
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"),))
    until(lambda: job.state == "STARTED", DEADLINE_S)
    worker.process.send_signal(signal.SIGSTOP)

    logs = start("logs", job.id)
    code = logs.end()
    worker.process.send_signal(signal.SIGCONT)

    assert code == 69
    assert "Its worker mute@here does not answer" in logs.told()


def test_a_worker_that_is_gone_is_said_to_be_so(shop: LocalQ, start: Start, tmp_path: Path) -> None:
    worker = start("worker", "-c", "1")
    job = shop.send_task("tasks.talk", (str(tmp_path / "gate"),))
    until(lambda: job.state == "STARTED", DEADLINE_S)
    os.killpg(worker.process.pid, signal.SIGKILL)
    worker.end()

    def told() -> str:
        logs = start("logs", job.id)
        assert logs.end() == 69
        return logs.told()

    said = until(lambda: (text := told()).startswith("Its worker is gone") and text, DEADLINE_S)

    assert said == "Its worker is gone: what this run has said so far is not known.\n"


def test_ctrl_c_ends_it(shop: LocalQ, start: Start) -> None:
    job = shop.send_task("tasks.quiet")
    logs = start("logs", "-f", job.id)
    until(lambda: "No worker is alive." in logs.told(), DEADLINE_S)

    logs.process.send_signal(signal.SIGINT)

    assert logs.end() == 130
    assert "Traceback" not in logs.told()


def test_a_job_that_has_not_run_yet_says_why(shop: LocalQ, start: Start) -> None:
    job = shop.send_task("tasks.quiet")

    logs = start("logs", job.id)

    assert logs.end() == 0
    assert (logs.said(), logs.told()) == ("", "No worker is alive. Start one: localq worker -A APP\n")


def test_a_job_that_said_nothing_is_said_to_have_said_nothing(shop: LocalQ, start: Start) -> None:
    start("worker", "-c", "1")
    job = shop.send_task("tasks.quiet")
    job.get(timeout=DEADLINE_S)

    logs = start("logs", job.id)

    assert logs.end() == 0
    assert logs.said() == ""
    assert logs.told().endswith("It has printed nothing.\n")


def test_it_needs_an_id(localq: Callable[..., Result], q: LocalQ) -> None:
    q.send_task("shop.any")

    without, unknown = localq("logs"), localq("logs", "no-such-job")

    assert without.exit_code == 2
    assert "Name a job: localq logs ID." in without.stderr
    assert unknown.exit_code == 4
