"""What a script's own worker says on standard error: of errors, of failed jobs, and when Ctrl-C is pressed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localq import LocalQ
from localq.model.job import JobState
from localq.store.protocol.reading import Filter
from localq.worker.shutdown import waiting_line
from tests.worker.python import run_python
from tests.worker.waiting import DEADLINE_S, until

FAILS = """
from localq import LocalQ
q = LocalQ(path=PLACE, durability="normal")

@q.task
def save(n):
    raise ValueError(f"no room for {n}")

@q.task(throws=(KeyError,))
def seek(n):
    raise KeyError(n)

if __name__ == "__main__":
    SETUP
    with q.running(1):
        for one in [save.delay(1), save.delay(2), seek.delay(3)]:
            one.get(propagate=False)
"""


def said_by(folder: Path, place: str, setup: str) -> str:
    (folder / "silent.py").write_text(FAILS.replace("PLACE", repr(place)).replace("SETUP", setup))
    done = run_python(folder, "silent.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("jobs.db", "localq list --args --state FAILURE"),
        ("data/my jobs.db", "localq --path 'data/my jobs.db' list --args --state FAILURE"),
    ],
)
def test_errors_and_how_many_jobs_failed_are_told_where_nobody_set_up_logging(
    tmp_path: Path, place: str, command: str
) -> None:
    (tmp_path / "data").mkdir()

    said = said_by(tmp_path, place, "pass")

    first, *_ = said.splitlines()
    assert first.startswith("localq: Task silent.save[")
    assert first.endswith("raised unexpected: ValueError: no room for 1")
    assert said.count("Traceback") == said.count('    raise ValueError(f"no room for {n}")') == 2
    assert "KeyError" not in said, "what a task expects is no news"
    assert said.splitlines()[-1] == f"localq: 2 jobs failed: {command}"


ENDS = (
    FAILS.partition("if __name__")[0]
    + """
SETUP
q.start(concurrency=1)
try:
    save.delay(1).get()
except ValueError as error:
    q.stop()
    raise OSError("own") from error
"""
)


@pytest.mark.parametrize(
    ("setup", "times"),
    [
        ("pass", 1),
        # Who handles such errors in his own way gets all that is known of them.
        ("import sys, traceback; sys.excepthook = lambda *error: traceback.print_exception(*error)", 2),
    ],
)
def test_an_error_that_ends_the_script_repeats_no_traceback_of_the_task(tmp_path: Path, setup: str, times: int) -> None:
    (tmp_path / "ends.py").write_text(ENDS.replace("PLACE", "'jobs.db'").replace("SETUP", setup))

    done = run_python(tmp_path, "ends.py")

    assert done.returncode == 1
    assert done.stderr.count('    raise ValueError(f"no room for {n}")') == times
    assert "    save.delay(1).get()\n" in done.stderr
    assert done.stderr.endswith("OSError: own\n")


KILLED = """
import os, signal
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")

@q.task
def die():
    os.kill(os.getpid(), signal.SIGKILL)

with q.running(1):
    die.delay().get()
"""


def test_the_error_of_a_job_whose_process_died_is_shown_as_the_scripts_end_alone(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)

    done = run_python(tmp_path, "killed.py")

    *_, told, count, traceback = re.split(r"(?m)^(?=localq: |Traceback)", done.stderr)
    assert "lost, does not run again: WorkerLostError: " in told
    assert count == "localq: 1 job failed: localq list --args --state FAILURE\n"
    assert traceback.startswith("Traceback")
    assert "RemoteTraceback" not in done.stderr


def test_a_log_that_was_set_up_tells_of_errors_instead(tmp_path: Path) -> None:
    said = said_by(tmp_path, "jobs.db", "import logging; logging.basicConfig(format='%(levelname)s %(message)s')")

    assert said.count("ERROR Task silent.save[") == 2
    assert "localq:" not in said


def test_a_program_may_forbid_it_all(tmp_path: Path) -> None:
    said = said_by(tmp_path, "jobs.db", "import logging; logging.getLogger().addHandler(logging.NullHandler())")

    assert said == ""


NAPS = """
import signal, sys, time
from pathlib import Path
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")

@q.task
def nap():
    Path("runs").touch()
    while not Path("wake").exists():
        time.sleep(0.01)

@q.task
def quick(n):
    return n

signal.signal(signal.SIGINT, signal.default_int_handler)
BODY
"""


class Script:
    """A script at work, and somebody at its terminal."""

    def __init__(self, folder: Path, body: str, *flags: str) -> None:
        self.folder = folder
        (folder / "naps.py").write_text(NAPS.replace("BODY", body))
        self.process = subprocess.Popen(
            [sys.executable, *flags, "naps.py"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
            stderr=subprocess.PIPE,
            text=True,
        )

    def reads(self, text: str) -> None:
        """Read standard error up to a line that has this text."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return
        raise AssertionError(f"{text!r} was never said")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> str:
        """Return what else it said, once it has ended: by the signal, as a shell expects of it."""
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        assert self.process.wait() == -signal.SIGINT, said
        return said


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    """Return a function that starts a script in a folder of its own, and waits until its job runs and is waited for."""
    started: list[Script] = []

    def start(body: str, *flags: str, runs: bool = True) -> Script:
        started.append(one := Script(tmp_path, body, *flags))
        wanted = ["runs"] * runs + ["waits"] * (WAITS in body)
        until(lambda: all((tmp_path / name).exists() for name in wanted), DEADLINE_S)
        return one

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        assert one.process.stderr is not None
        one.process.stderr.close()


WAITS = "with q.running(1): nap.delay().get(on_interval=Path('waits').touch)"


def test_ctrl_c_says_what_it_waits_for_and_ends_without_a_traceback(script: Callable[..., Script]) -> None:
    program = script(WAITS)

    program.interrupt()
    program.reads("localq: stopping: waiting for 1 running job; Ctrl-C again interrupts it")
    (program.folder / "wake").touch()
    said = program.end()

    assert said.startswith("localq: stopped while it waited for job ")
    assert said.count("\n") == 1


def test_a_second_ctrl_c_says_that_it_interrupts_and_ends_without_a_traceback(script: Callable[..., Script]) -> None:
    program = script(WAITS)

    program.interrupt()
    program.reads("waiting for 1 running job")
    program.interrupt()
    program.reads("localq: stopping: interrupting 1 running job; Ctrl-C again kills it")
    said = program.end()

    assert "Traceback" not in said
    assert said.startswith("localq: stopped while it waited for job ")


LEAVES = """
with q.running(1):
    nap.delay()
    while not Path("runs").exists():
        time.sleep(0.01)
    ended, wait = q._embedded._ended, q._embedded._ended.wait
    def waiting(timeout=None):
        Path("waits").touch()
        return wait(timeout)
    ended.wait = waiting
"""


def test_ctrl_c_while_the_end_of_the_block_waits_says_what_it_interrupts(script: Callable[..., Script]) -> None:
    program = script(LEAVES)
    until(lambda: (program.folder / "waits").exists(), DEADLINE_S)

    program.interrupt()

    said = program.end().removeprefix("localq: waiting for 1 running job; Ctrl-C interrupts it, and it runs again\n")
    assert said == "localq: stopping: interrupting 1 running job; Ctrl-C again kills it\n"


def test_a_block_that_waits_for_its_jobs_says_so_once(script: Callable[..., Script]) -> None:
    program = script("with q.running(1):\n    nap.delay()\n    while not Path('runs').exists(): time.sleep(0.01)")

    program.reads("localq: waiting for 1 running job; Ctrl-C interrupts it, and it runs again")
    (program.folder / "wake").touch()

    assert program.process.stderr is not None
    assert program.process.stderr.read() == ""
    assert program.process.wait() == 0


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_program_at_its_end_says_what_it_waits_for_and_how_to_end_it(
    script: Callable[..., Script], interrupted: bool
) -> None:
    program = script("q.start(1); nap.delay()\nwhile not Path('runs').exists(): time.sleep(0.01)")

    program.reads("localq: waiting for 1 running job, 10 s at most; then, or at Ctrl-C, it runs again")
    if interrupted:
        program.interrupt()
    else:
        (program.folder / "wake").touch()

    assert program.process.stderr is not None
    assert "Traceback" not in program.process.stderr.read()
    assert program.process.wait() == 0
    with LocalQ(path=program.folder / "jobs.db", set_as_current=False) as q:
        (job,) = q.store.read.find(Filter(), 1).jobs
        assert job.state == (JobState.READY if interrupted else JobState.SUCCEEDED)


def test_nobody_hears_of_a_wait_whose_jobs_end_at_once(script: Callable[..., Script]) -> None:
    program = script("q.start(1); print(quick.delay(1).get(), file=sys.stderr)", runs=False)

    assert program.process.stderr is not None
    assert program.process.stderr.read() == "1\n"


def test_who_cannot_interrupt_is_not_told_to() -> None:
    assert waiting_line(2, 10, None) == "waiting for 2 running jobs, 10 s at most; then they run again"
    assert waiting_line(1, None, None) == "waiting for 1 running job"


ALONE = {
    "r = quick.delay(1); r.get(on_interval=Path('runs').touch)": "localq: stopped while it waited for job ",
    "from localq import group\nr = group(quick.s(1), quick.s(2)).delay(); r.get(on_interval=Path('runs').touch)": (
        "localq: stopped while it waited for 2 of 2 jobs."
    ),
    """
from localq.result.as_they_finish import _Missing
look = _Missing.look
def looks(self):
    Path("runs").touch()
    return look(self)
_Missing.look = looks
list(q.map(quick, range(3)))
""": "localq: stopped while it waited for 3 of 3 jobs.",
}


@pytest.mark.parametrize("body", ALONE, ids=["a job", "a group", "many"])
def test_ctrl_c_where_no_worker_is_says_what_was_waited_for(script: Callable[..., Script], body: str) -> None:
    program = script(body)

    program.interrupt()

    heard = program.end()
    assert heard.startswith(ALONE[body])
    assert heard.count("\n") == 1


def test_who_catches_the_interruption_hears_of_it_once_and_goes_on(script: Callable[..., Script]) -> None:
    program = script(f"try:\n    {WAITS}\nexcept KeyboardInterrupt: sys.exit('caught')")

    program.interrupt()
    program.reads("waiting for 1 running job")
    (program.folder / "wake").touch()

    assert program.process.stderr is not None
    assert program.process.stderr.read() == "caught\n"
    assert program.process.wait() == 1


def test_development_mode_shows_the_traceback_too(script: Callable[..., Script]) -> None:
    program = script(WAITS, "-X", "dev")

    program.interrupt()
    program.reads("waiting for 1 running job")
    (program.folder / "wake").touch()

    said = program.end()
    assert "Traceback" in said
    assert said.splitlines()[-1].startswith("localq: stopped while it waited for job ")
