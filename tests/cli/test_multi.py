"""`localq multi` and `localq worker -D`: daemons, their names and their files."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

import localq
from localq.cli import main
from localq.cli.app_import import LoadError
from localq.cli.daemon.pidfile import held, pid_in
from tests.cli.runner import runner
from tests.worker.waiting import DEADLINE_S, PROGRAM_S, alive, until

PACKAGE = str(Path(localq.__file__).parents[1])
HOST = socket.gethostname()
TASKS = """
import os
from localq import LocalQ

q = LocalQ(path="jobs.db", durability="normal")


@q.task
def add(x, y):
    return x + y


@q.task
def where():
    return os.getcwd(), os.umask(0o22)
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Return what runs localq in a folder with an app; daemons it started end with the test."""
    (tmp_path / "tasks.py").write_text(TASKS)
    environment = {**os.environ, "PYTHONPATH": PACKAGE, "XDG_STATE_HOME": str(tmp_path / "state")}

    def localq(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "localq", *words]
        env = {**environment, **more}
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=PROGRAM_S, check=False
        )  # fmt: skip

    yield localq
    for path in tmp_path.rglob("*.pid"):
        pid = pid_in(str(path))
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: not alive(pid))  # type: ignore[misc]


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., list[str]]:
    """Return what gives the lines that a command of multi prints."""

    def multi(*words: str) -> list[str]:
        result: Result = runner().invoke(main, ["--path", str(tmp_path / "jobs.db"), "multi", *words])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    return multi


# The grammar


def test_names_are_given_or_counted(shown: Callable[..., list[str]]) -> None:
    assert shown("names", "a", "foo@far", "bar@%h") == [f"a@{HOST}", "foo@far", f"bar@{HOST}"]
    assert shown("names", "3") == [f"celery{n}@{HOST}" for n in (1, 2, 3)]
    assert shown("names", "2", "--range-prefix=w", "-n", "far") == ["w1@far", "w2@far"]


def test_no_workers_at_all_are_refused(tmp_path: Path) -> None:
    result = runner().invoke(main, ["--path", str(tmp_path / "jobs.db"), "multi", "start", "0"])

    assert result.exit_code == 2
    assert "0 workers are none" in result.output


def test_each_worker_gets_its_own_options_over_those_of_all(shown: Callable[..., list[str]]) -> None:
    lines = shown("show", "a", "b", "c", "-c", "2", "-c:1", "10", "-Q:b,c", "images,video", "-l:c", "DEBUG")
    one, two, three = (shlex.split(line) for line in lines)

    assert one[one.index("-c") + 1] == "10"
    assert "-Q" not in one
    assert two[two.index("-c") + 1] == "2"
    assert two[two.index("-Q") + 1] == three[three.index("-Q") + 1] == "images,video"
    assert three[three.index("-l") + 1] == "DEBUG"
    assert "-l" not in two


def test_numbers_are_ranges_only_where_workers_are_counted(shown: Callable[..., list[str]]) -> None:
    assert [("-c 7" in line) for line in shown("show", "4", "-c:2-3", "7")] == [False, True, True, False]


@pytest.mark.parametrize(("option", "said"), [("-c:0", "number 0"), ("-c:3", "number 3"), ("-c:x", "'x'")])
def test_options_of_a_worker_that_is_not_there_are_refused(tmp_path: Path, option: str, said: str) -> None:
    words = ["--path", str(tmp_path / "jobs.db"), "multi", "show", "a", "b", option, "1"]

    result = runner().invoke(main, words)

    assert result.exit_code == 2
    assert said in result.output


def test_flags_and_long_options_take_what_belongs_to_them(shown: Callable[..., list[str]]) -> None:
    (line,) = shown("show", "-E", "a", "--pool", "threads", "--time-limit=5", "--", "-x")

    assert line.endswith(
        "-E --pool=threads --time-limit=5 --path=" + shlex.quote(line.split("--path=")[1].split()[0]) + " -x"
    )


def test_files_lie_beside_the_database_and_are_named_after_workers(
    shown: Callable[..., list[str]], tmp_path: Path
) -> None:
    assert f"--pidfile={tmp_path}/jobs.db.d/run/a.pid --logfile={tmp_path}/jobs.db.d/log/a.log" in shown("show", "a")[0]
    assert "--pidfile=/run/x/a.pid" in shown("get", "a", "a", "b", "--pidfile=/run/x/%n.pid")[0]
    assert shown("expand", "%n-%h-%N", "a") == [f"a-{HOST}-a@{HOST}"]


# Daemons


def test_workers_are_started_restarted_and_stopped_by_name(run: Run, tmp_path: Path) -> None:
    started = run("multi", "start", "a", "b", "-A", "tasks", "-c", "1", "-P", "threads")
    assert started.returncode == 0, started.stderr
    first = [pid_in(str(tmp_path / f"jobs.db.d/run/{name}.pid")) for name in "ab"]
    assert None not in first

    restarted = run("multi", "restart", "a", "-A", "tasks", "-c", "1", "-P", "threads")
    assert restarted.returncode == 0, restarted.stderr
    assert f"a@{HOST}: TERM -> {first[0]}" in restarted.stdout
    assert pid_in(str(tmp_path / "jobs.db.d/run/a.pid")) not in (None, first[0])

    stopped = run("multi", "stopwait", "a", "b", "c")
    assert f"c@{HOST}: DOWN" in stopped.stdout
    assert list((tmp_path / "jobs.db.d/run").iterdir()) == []
    assert not alive(first[1] or 0)


def test_kill_ends_a_worker_at_once(run: Run, tmp_path: Path) -> None:
    run("multi", "start", "a", "-A", "tasks", "-P", "threads")
    pid = pid_in(str(tmp_path / "jobs.db.d/run/a.pid"))
    assert pid is not None

    killed = run("multi", "kill", "a")

    assert f"KILL -> {pid}" in killed.stdout
    until(lambda: not alive(pid))


def test_a_worker_that_cannot_start_says_why(run: Run) -> None:
    failed = run("multi", "start", "a", "-A", "tasks", "-Q", "x", "-X", "x")

    assert failed.returncode == 1
    assert "Every queue of x is excluded" in failed.stderr


def test_a_second_daemon_of_the_same_name_is_refused(run: Run) -> None:
    words = ("worker", "-A", "tasks", "-P", "threads", "-n", "a@%h", "--detach")
    assert run(*words).returncode == 0

    again = run(*words)

    assert again.returncode == 2
    assert "it runs already" in again.stderr


def test_a_daemon_restarts_in_place_and_keeps_its_pid_file(run: Run, tmp_path: Path) -> None:
    run("worker", "-A", "tasks", "-P", "threads", "-D", "--pidfile", "w.pid", "--logfile", "w.log", "-l", "INFO")
    pid = pid_in(str(tmp_path / "w.pid"))
    assert pid is not None

    os.kill(pid, signal.SIGHUP)

    until(lambda: (tmp_path / "w.log").read_text().count(" ready.") == 2)
    assert pid_in(str(tmp_path / "w.pid")) == pid


def test_the_folder_and_the_umask_are_set_before_anything_is_imported(run: Run, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "tasks.py").rename(inner / "tasks.py")

    done = run("worker", "-A", "tasks", "-P", "threads", "-D", "--workdir", "inner", "--umask", "077")

    assert done.returncode == 0, done.stderr
    log = inner / "jobs.db.d/log/localq.log"
    assert log.stat().st_mode & 0o777 == 0o600


def test_options_that_cannot_be_are_refused(run: Run) -> None:
    assert "is no umask" in run("worker", "--umask", "9").stderr
    assert "no user 'nobody-here'" in run("worker", "--uid", "nobody-here").stderr
    assert "no user '99999999999'" in run("worker", "--uid", "99999999999").stderr
    assert "no group '4294967295'" in run("worker", "--gid", "4294967295").stderr
    assert "Cannot work in nowhere" in run("worker", "--workdir", "nowhere").stderr


def test_only_root_may_run_as_another_user(run: Run, tmp_path: Path) -> None:
    code = (
        "import os; from localq.cli.daemon.detach import become; become(None, None, None, '65534'); print(os.getuid())"
    )
    words = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": PACKAGE}

    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=PROGRAM_S, check=False)

    if os.getuid() == 0:
        assert done.stdout == "65534\n"
    else:
        assert "only root may" in done.stderr


def test_systemd_is_told_when_a_worker_is_ready(tmp_path: Path, run: Run) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "n"))
        listening.settimeout(DEADLINE_S)
        words = ("worker", "-A", "tasks", "-P", "threads", "--pidfile", "w.pid")
        thread = threading.Thread(target=run, args=words, kwargs={"NOTIFY_SOCKET": str(tmp_path / "n")})
        thread.start()

        assert listening.recv(100) == b"READY=1"

    pid = pid_in(str(tmp_path / "w.pid"))
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    thread.join()


def test_files_of_a_daemon_lie_in_folders_for_their_owner_alone(run: Run, tmp_path: Path) -> None:
    run("worker", "-A", "tasks", "-P", "threads", "-D")

    assert {(tmp_path / "jobs.db.d" / name).stat().st_mode & 0o777 for name in ("", "run", "log")} == {0o700}


def test_a_receiver_is_told_which_signal_stops_a_worker(run: Run, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with (tmp_path / "tasks.py").open("a") as file:
        file.write(f"""
from localq.signals import user_preload_options, worker_shutting_down


@worker_shutting_down.connect
def stopping(sender, sig, how, exitcode, **kwargs):
    open({str(told)!r}, "a").write(f"{{sig}} {{how}} {{exitcode}}\\n")


@user_preload_options.connect
def options(sender, app, options, **kwargs):
    open({str(told)!r}, "a").write(f"{{sender.name}} {{app is q}}\\n")
""")
    run("worker", "-A", "tasks", "-P", "threads", "--pidfile", "w.pid", "-D")
    pid = pid_in(str(tmp_path / "w.pid"))
    assert pid is not None

    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid))

    # Once in the program that stays, once in the one that goes to the background.
    assert told.read_text() == "worker True\nworker True\nSIGTERM Warm 0\n"


def test_a_scheduler_runs_in_the_background_too(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "tasks.py").open("a") as file:
        file.write("from localq.signals import beat_init\n@beat_init.connect\n")
        file.write("def begin(sender, **kwargs): open('begun', 'w').close()\n")

    done = run("beat", "-A", "tasks", "-D")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "begun").exists()
    pid = pid_in(str(tmp_path / "jobs.db.d/run/beat.pid"))
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid))


def test_a_number_left_in_a_pid_file_by_a_dead_process_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "w.pid"
    path.write_text(f"{os.getpid()}\n")

    assert pid_in(str(path)) is None
    with held(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_a_pid_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LoadError, match="Cannot write the pid file"), held(str(tmp_path / "file" / "w.pid")):
        pass


# Without saying where


def test_a_worker_is_stopped_from_anywhere_by_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    started = run("multi", "start", "w1", "-A", "tasks", "-P", "threads")
    pid = pid_in(str(tmp_path / "jobs.db.d" / "run" / "w1.pid"))

    stopped = run("--workdir", "elsewhere", "multi", "stopwait", "w1")
    again = run("--workdir", "elsewhere", "multi", "stop", "w1")

    assert (started.returncode, stopped.returncode) == (0, 0), started.stderr + stopped.stderr
    assert f"w1@{HOST}: TERM -> {pid}" in stopped.stdout
    assert pid is not None
    assert not alive(pid)
    assert "DOWN" in again.stdout


def test_of_two_workers_of_one_name_none_is_stopped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for path in ("a.db", "b.db"):
        assert run("multi", "start", "w1", "-A", "tasks", "--path", path, "-P", "threads").returncode == 0

    refused = run("--workdir", "elsewhere", "multi", "stop", "w1")
    one = run("multi", "stopwait", "w1", "--path", "a.db")
    other = run("--workdir", "elsewhere", "multi", "stopwait", "w1")

    assert refused.returncode == 2
    assert "a.db.d/run/w1.pid" in refused.stderr
    assert "b.db.d/run/w1.pid" in refused.stderr
    assert (one.returncode, other.returncode) == (0, 0)
    assert "TERM ->" in other.stdout
