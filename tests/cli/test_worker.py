"""`localq worker`, as a process: what it shows, how it is stopped, what it exits with."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import localq
from localq import LocalQ
from localq.cli import main
from localq.cli.commands.worker import worker
from localq.model.job import Job, JobState
from tests.cli.runner import runner
from tests.worker.waiting import DEADLINE_S

PACKAGE = str(Path(localq.__file__).parents[1])
TASKS = '''
import os, sys
from localq import LocalQ
from localq.log import get_task_logger

q = LocalQ(path="jobs.db", durability="normal")
log = get_task_logger(__name__)


@q.task
def add(x, y):
    return x + y


@q.task
def say(word):
    print(word, "and more")
    log.warning("logged")
    print("unfinished", end="")


@q.task
def fail(secret):
    raise ValueError("on purpose")


@q.task
def wait(gate):
    """Run until somebody opens the other end of a named pipe."""
    log.warning("waiting")
    open(gate).close()


@q.task
def wait_stubbornly(gate):
    log.warning("waiting")
    while True:
        try:
            return open(gate).close()
        except SystemExit:
            log.warning("not moved")
'''


class Running:
    """A `localq` process in a folder, whose output (both streams) is read line by line."""

    def __init__(self, folder: Path, line: str, **environment: str) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "localq", *line.split()],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": PACKAGE, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, text: str) -> str:
        """Read on to a line with this text, and return it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never said, but:\n{self.said}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait()

    def stop(self) -> int:
        """Stop in order."""
        self.send(signal.SIGTERM)
        return self.end()


Run = Callable[..., Running]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with tasks.py, and a gate at which its tasks wait."""
    (tmp_path / "tasks.py").write_text(TASKS)
    os.mkfifo(tmp_path / "gate")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    """Return a function that starts `localq ...` there; what still runs in the end is killed."""
    started: list[Running] = []

    def run(line: str, **environment: str) -> Running:
        started.append(Running(folder, line, **environment))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


@pytest.fixture
def q(folder: Path) -> Iterator[LocalQ]:
    """Return an app on the worker's file, which sends tasks by name."""
    app = LocalQ("client", path=folder / "jobs.db", durability="normal")
    yield app
    app.close()


def job_of(q: LocalQ, job_id: str) -> Job:
    return q.store.read.get([job_id])[job_id]


def open_gate(folder: Path) -> None:
    """Let one waiting task go on; waits until there is one."""
    with open(folder / "gate", "w"):
        pass


# Starting


def test_a_worker_shows_what_it_is_and_runs_what_waits(run: Run, q: LocalQ, folder: Path) -> None:
    added = q.send_task("tasks.add", (2, 3))

    serving = run("worker -A tasks -c 1 -l info -n w1@%h")
    serving.until("tasks.add[")
    serving.until("succeeded in")
    assert serving.stop() == 0

    assert added.get(timeout=0) == 5
    shown = serving.said
    assert re.search(r"^ w1@\S+  LocalQ \d\S+  Python 3\S+  pid \d+$", shown, re.MULTILINE)
    assert "  .> app:         tasks:q\n" in shown
    assert f"  .> store:       {os.path.realpath(folder)}/jobs.db\n" in shown
    assert "  .> concurrency: 1 (processes)\n  .> queues:      all\n" in shown
    assert "[tasks]\n  . tasks.add\n  . tasks.fail\n" in shown
    assert re.search(r"\[.*: INFO/MainProcess\] w1@\S+ ready\.\n", shown)


def test_workers_of_an_app_by_celery_s_name_are_called_as_celery_s(run: Run, folder: Path) -> None:
    text = TASKS.replace("import LocalQ", "import Celery").replace("q = LocalQ(", "q = Celery(")
    heard = """
from localq.signals import celeryd_after_setup

@celeryd_after_setup.connect(sender="celery@w1")
def heard(sender, instance, **kwargs):
    print("set up:", sender)
"""
    (folder / "tasks.py").write_text(text + heard)

    serving = run("worker -A tasks -c 1 -l info -n w1")
    serving.until("celery@w1 ready.")
    assert serving.stop() == 0
    unnamed = run("worker -A tasks -c 1 -l info -P threads")
    unnamed.until(f"celery@{socket.gethostname()} ready.")
    assert unnamed.stop() == 0

    assert "set up: celery@w1\n" in serving.said
    assert "set up:" not in unnamed.said


def test_serve_runs_a_script_with_the_app_before_the_command(run: Run, q: LocalQ, folder: Path) -> None:
    added = q.send_task("__main__.add", (2, 3))

    serving = run(f"-A {folder}/tasks.py serve -c 1 -l info --pool prefork")
    serving.until("succeeded in")

    assert serving.stop() == 0
    assert added.get(timeout=0) == 5


def test_a_worker_serves_the_queues_it_is_given(run: Run, q: LocalQ) -> None:
    left = q.send_task("tasks.add", (1, 1), queue="others")
    excluded = q.send_task("tasks.add", (1, 1), queue="slow")
    done = q.send_task("tasks.add", (1, 1), queue="mail", countdown=0)

    serving = run("worker -A tasks -c 1 -l info -Q mail,slow -X slow -P threads")
    serving.until("succeeded in")

    assert serving.stop() == 0
    assert "  .> queues:      mail, slow but slow\n" in serving.said
    assert [one.ready() for one in (left, excluded, done)] == [False, False, True]


def test_a_worker_may_first_remove_what_waits_in_its_queues(run: Run, q: LocalQ) -> None:
    kept = q.send_task("tasks.add", (1, 1), queue="slow")
    for _ in range(2):
        q.send_task("tasks.add", (1, 1))

    serving = run("-q -A tasks -l info worker -c 1 --purge -X slow -P threads --without-gossip")
    serving.until("purge: Erased 2 messages from the queue.")
    serving.until("ready.")

    assert serving.stop() == 0
    assert "[config]" not in serving.said
    assert list(q.store.read.stats().counts) == [("slow", JobState.READY)]
    assert kept.state == "PENDING"


def test_options_set_the_apps_settings_for_the_run(run: Run, q: LocalQ, folder: Path) -> None:
    stuck = q.send_task("tasks.wait", ("gate",))

    serving = run("worker -A tasks -c 1 --time-limit 0.05 --path jobs.db")
    serving.until("raised unexpected: TimeLimitExceeded")

    assert serving.stop() == 0
    assert stuck.state == "FAILURE"


def test_nothing_is_said_of_jobs_that_do_well_unless_asked(run: Run, q: LocalQ) -> None:
    q.send_task("tasks.add", (2, 3))
    q.send_task("tasks.fail", ("not for the log",))

    serving = run("worker -A tasks -c 1")
    serving.until("tasks.fail[")
    assert serving.stop() == 0

    log = serving.said.partition("[tasks]")[2]
    assert "tasks.add[" not in log
    assert log.count("ready.") == 1, "however little is logged"
    assert "ValueError: on purpose\nTraceback (most recent call last):\n" in log
    assert "not for the log" not in log


@pytest.mark.parametrize(("pool", "process"), [("processes", "Slot-1"), ("threads", "MainProcess")])
def test_prints_and_task_loggers_are_lines_with_the_job(run: Run, q: LocalQ, pool: str, process: str) -> None:
    job = q.send_task("tasks.say", ("hello \x1b[31m",))

    serving = run(f"worker -A tasks -c 1 -l info --pool {pool}")
    serving.until("succeeded in")
    assert serving.stop() == 0

    assert f": WARNING/MainProcess] tasks.say[{job.id}]: hello \\x1b[31m and more\n" in serving.said
    assert f": WARNING/{process}] tasks.say[{job.id}]: logged\n" in serving.said
    assert f"tasks.say[{job.id}]: unfinished\n" in serving.said


def test_the_log_goes_to_a_file_named_after_the_worker(run: Run, q: LocalQ, folder: Path) -> None:
    failing = q.send_task("tasks.fail", ("",))

    serving = run("worker -A tasks -c 1 -n mail@host -f %n-%h.log -l info")
    failing.get(timeout=DEADLINE_S, propagate=False)
    assert serving.stop() == 0

    log = (folder / "mail-host.log").read_text()
    assert "mail@host ready." in log
    assert "raised unexpected: ValueError" in log
    assert "ready." not in serving.said


# Stopping


def test_the_first_term_lets_running_jobs_finish_and_no_more(run: Run, q: LocalQ, folder: Path) -> None:
    serving = run("worker -A tasks -c 1")
    running = q.send_task("tasks.wait", ("gate",))
    serving.until("waiting")
    behind = q.send_task("tasks.add", (1, 1))

    serving.send(signal.SIGTERM)
    said = serving.until("localq:")
    open_gate(folder)

    assert serving.end() == 0
    assert said == "localq: stopping: waiting for 1 running job; Ctrl-C or TERM again interrupts it\n"
    assert running.state == "SUCCESS"
    left = job_of(q, behind.id)
    assert (left.state, left.attempts) == (JobState.READY, 0)


def test_the_second_interrupts_and_the_job_goes_back_with_no_crash_counted(run: Run, q: LocalQ) -> None:
    job = q.send_task("tasks.wait", ("gate",))
    serving = run("worker -A tasks -c 1")
    serving.until("waiting")

    serving.send(signal.SIGINT)
    serving.until("localq: stopping: waiting for 1")
    serving.send(signal.SIGTERM)
    serving.until("localq: stopping: interrupting 1 running job; Ctrl-C or TERM again kills it")

    assert serving.end() == 0
    left = job_of(q, job.id)
    assert (left.state, left.attempts, left.crashes) == (JobState.READY, 1, 0)


def test_the_third_kills_what_will_not_be_interrupted(run: Run, q: LocalQ) -> None:
    job = q.send_task("tasks.wait_stubbornly", ("gate",))
    serving = run("worker -A tasks -c 1")
    serving.until("waiting")

    for said in ("waiting for 1", "interrupting 1", "killing 1 running job"):
        serving.send(signal.SIGINT)
        serving.until(f"localq: stopping: {said}")

    assert serving.end() == 0
    left = job_of(q, job.id)
    assert (left.state, left.crashes) == (JobState.READY, 0)


LATE = """
import marshal
from types import SimpleNamespace
from localq.worker.pool.processes import forkserver
from tasks import q

def dumps(said):
    if said[0] == "born":
        with open("birth") as told:
            told.read()  # to its end: who tells must not find the reader gone
    return marshal.dumps(said)

forkserver.marshal = SimpleNamespace(dumps=dumps, loads=marshal.loads)
"""


@pytest.mark.linux("slots are forked")
def test_a_process_the_worker_has_not_heard_of_yet_is_killed_all_the_same(run: Run, q: LocalQ, folder: Path) -> None:
    (folder / "late.py").write_text(LATE)
    os.mkfifo(folder / "birth")
    q.send_task("tasks.wait_stubbornly", ("gate",))
    serving = run("worker -A late -c 1")
    serving.until("waiting")

    for said in ("waiting for 1", "interrupting 1", "killing 1 running job"):
        serving.send(signal.SIGINT)
        serving.until(f"localq: stopping: {said}")
    (folder / "birth").write_text("now it is told")

    assert serving.end() == 0


def test_quit_interrupts_at_once(run: Run, q: LocalQ) -> None:
    job = q.send_task("tasks.wait", ("gate",))
    serving = run("worker -A tasks -c 1")
    serving.until("waiting")

    serving.send(signal.SIGQUIT)
    serving.until("localq: stopping: interrupting 1")

    assert serving.end() == 0
    assert job_of(q, job.id).state == JobState.READY


def test_hang_up_starts_anew_in_the_same_process_after_what_runs(run: Run, q: LocalQ, folder: Path) -> None:
    job = q.send_task("tasks.wait", ("gate",))
    serving = run("worker -A tasks -c 1")
    serving.until("waiting")

    serving.send(signal.SIGHUP)
    serving.until("localq: restarting: waiting for 1")
    open_gate(folder)
    serving.until(f"pid {serving.process.pid}")
    again = q.send_task("tasks.fail", ("",))
    serving.until(again.id)

    assert serving.stop() == 0
    assert job.state == "SUCCESS"


def test_term_after_a_hang_up_stops_for_good(run: Run, q: LocalQ, folder: Path) -> None:
    q.send_task("tasks.wait", ("gate",))
    serving = run("worker -A tasks -c 1")
    serving.until("waiting")

    serving.send(signal.SIGHUP)
    serving.until("localq: restarting")
    serving.send(signal.SIGTERM)
    open_gate(folder)

    assert serving.end() == 0
    assert serving.said.count("[config]") == 1


def test_usr1_shows_where_the_worker_is_and_it_goes_on(run: Run, q: LocalQ) -> None:
    serving = run("worker -A tasks -c 1 -l info")
    serving.until("ready.")

    serving.send(signal.SIGUSR1)
    serving.until("(most recent call first)")
    serving.until("localq/worker/worker.py")
    q.send_task("tasks.add", (1, 1))
    serving.until("succeeded in")

    assert serving.stop() == 0


# Failing


def test_a_file_that_is_removed_under_a_worker_ends_it_with_a_sentence(run: Run, folder: Path) -> None:
    serving = run("worker -A tasks -c 1 -l info")
    serving.until("ready.")
    for file in folder.glob("jobs.db*"):
        if file.is_file():
            file.unlink()

    serving.until("jobs.db was removed while this process used it")

    assert serving.end() == 74


@pytest.mark.parametrize(
    ("pragma", "code", "said"),
    [("application_id=7", 74, "jobs.db"), ("user_version=1000", 75, "newer")],
)
def test_a_file_that_cannot_be_used_ends_the_worker_with_its_own_code(
    run: Run, q: LocalQ, folder: Path, pragma: str, code: int, said: str
) -> None:
    q.store.open()
    q.close()
    with sqlite3.connect(folder / "jobs.db") as db:
        db.execute(f"PRAGMA {pragma}")
    db.close()

    serving = run("worker -A tasks -c 1")

    assert serving.end() == code
    (line,) = serving.said.splitlines()
    assert line.startswith("localq: error: ")
    assert said in line


def test_processes_that_die_at_once_end_the_worker_and_lose_nothing(run: Run, q: LocalQ) -> None:
    job = q.send_task("tasks.add", (1, 1))

    serving = run("worker -A tasks -c 1", LOCALQ_FAULT="slot.ready=exit:9")

    assert serving.end() == 70
    assert "gives up: 5 slots within a minute died before they were ready" in serving.said
    assert "localq: error: The pool is broken: " in serving.said
    left = job_of(q, job.id)
    assert (left.state, left.attempts) == (JobState.READY, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "There are no tasks to run"),
        ("-A tasks -I wares", "There is no module 'wares'."),
        ("-A tasks -f none/worker.log", "Cannot write the log file 'none/worker.log': No such file"),
        ("-A tasks -c -1", "'-1' is neither a number from 1 to 10,000 nor 'auto'."),
        ("-A tasks -l loud", "'loud' is no log level"),
        (
            "-A tasks -P gevents",
            "'gevents' is not one of 'processes', 'prefork', 'threads', 'solo', 'asyncio', 'gevent', 'eventlet'.",
        ),
        ("-A tasks -Q ,", "',' names nothing."),
        ("-A tasks -n jobs/mail", "A worker cannot be called 'jobs/mail'. A name is NAME@HOST, or HOST alone"),
        ("-A eager", "The app is eager"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: str, said: str
) -> None:
    (folder / "eager.py").write_text("from localq import LocalQ\nq = LocalQ(eager=True)\n")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])

    done = runner().invoke(main, ["worker", *options.split()])

    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not (folder / "jobs.db").exists()
    for name in ("tasks", "eager"):
        sys.modules.pop(name, None)


def test_worker_and_serve_take_the_same_options_but_for_the_page() -> None:
    commands = [main.commands.get(name) or main.get_command(None, name) for name in ("worker", "serve")]  # type: ignore[arg-type]

    assert worker in commands
    first, second = ([option.opts for option in one.params] for one in commands if one is not None)
    assert first == [words for words in second if not {"--page", "--port", "--address"} & set(words)]
