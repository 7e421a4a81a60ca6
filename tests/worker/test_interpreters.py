"""Programs that are no Python, or one with flags: what their slots are started with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.python import APART, run_python
from tests.worker.waiting import PROGRAM_S

HEAD = """
import sys, threading
from localq import LocalQ, freeze_support
{first}
q = LocalQ(path="jobs.db", durability="normal")
ended = threading.Event()
threading.Thread(target=ended.wait, daemon=True).start()
"""

TASK = """
@q.task
def double(n):
    return 2 * n
"""

USE = f"""
for pool in {APART}:
    with q.running(concurrency=1, pool=pool):
        print(pool, double.delay(4).get(120))
"""

#: What it says where all is well.
SAID = [f"{pool} 8" for pool in APART]

REFUSED = f"""
from localq.exceptions import ImproperlyConfigured
for pool in {(*APART, "threads")}:
    try:
        with q.running(concurrency=1, pool=pool):
            print(double.delay(4).get(120))
    except ImproperlyConfigured as error:
        print(pool, error)
import os
print([name for name in os.listdir("jobs.db.d") if name.endswith((".lock", ".slots"))])
"""


def run_script(folder: Path, text: str, *flags: str, code: int = 0) -> list[str]:
    """Run a program; return the lines it printed."""
    (folder / "program.py").write_text(text)
    done = run_python(folder, *flags, "program.py")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


def frozen_as(folder: Path) -> str:
    """Return code that makes a script a frozen program, which counts how often it was started."""
    program = folder / "archiver"
    program.write_text(f'#!/bin/sh\necho >> "{folder}/starts"\nexec "{sys.executable}" "{folder}/program.py" "$@"\n')
    program.chmod(0o755)
    return f'sys.frozen, sys.executable = True, "{program}"'


def test_a_frozen_program_runs_its_jobs_in_itself(tmp_path: Path) -> None:
    first = frozen_as(tmp_path) + "\nif __name__ == '__main__': freeze_support()"

    out = run_script(tmp_path, HEAD.format(first=first) + TASK + USE)

    assert out == SAID
    assert (tmp_path / "starts").read_text().count("\n") == len(APART)


def test_a_frozen_program_that_makes_its_app_first_does_too(tmp_path: Path) -> None:
    text = HEAD.format(first=frozen_as(tmp_path)) + TASK + "freeze_support()\n" + USE

    assert run_script(tmp_path, text) == SAID


def test_a_frozen_program_without_freeze_support_is_refused_and_can_use_threads(tmp_path: Path) -> None:
    *refusals, threads, left = run_script(tmp_path, HEAD.format(first=frozen_as(tmp_path)) + TASK + REFUSED)

    assert len(refusals) == len(APART)
    for refused in refusals:
        assert "is a frozen program, and would start itself to run jobs. Call localq.freeze_support()" in refused
        assert "pool='threads'" in refused
    assert (threads, left) == ("8", "[]")
    assert not (tmp_path / "starts").exists()


def test_a_program_in_a_server_is_refused_where_there_is_no_python(tmp_path: Path) -> None:
    first = (
        "sys.executable = sys._base_executable = '/bin/uwsgi'; sys.prefix = sys.exec_prefix = sys.base_prefix = '/no'"
    )

    *refusals, threads, left = run_script(tmp_path, HEAD.format(first=first) + TASK + REFUSED)

    assert len(refusals) == len(APART)
    for refused in refusals:
        assert "/bin/uwsgi is no Python interpreter that could be started for them" in refused
        assert "pool='threads'" in refused
    assert (threads, left) == ("8", "[]")


def test_a_program_in_a_server_starts_the_python_that_it_named(tmp_path: Path) -> None:
    first = f"import multiprocess; multiprocess.set_executable({sys.executable!r}); sys.executable = '/bin/uwsgi'"

    assert run_script(tmp_path, HEAD.format(first=first) + TASK + USE) == SAID


@pytest.mark.linux("slots are forked")
def test_a_forked_slot_lost_in_a_program_that_is_no_python_says_what_to_do(tmp_path: Path) -> None:
    text = """
import os, signal, sys
from localq import LocalQ
q = LocalQ(path="jobs.db", durability="normal")
@q.task
def double(n):
    return 2 * n
sys.frozen, sys.executable = True, "/opt/archiver"
q.start(1)
print(double.delay(4).get(120))
os.kill(q._embedded.worker.pool._fork_server.pid, signal.SIGKILL)
q._embedded._ended.wait(120)
print(q._embedded._error)
"""
    done, said = run_script(tmp_path, text)

    assert done == "8"
    assert "the process that forked its slots died. /opt/archiver is a frozen program" in said


@pytest.mark.parametrize("flags", [[], ["-O", "-X", "utf8", "-W", "ignore::UserWarning"], ["-E"]])
def test_flags_of_the_interpreter_reach_the_slots(tmp_path: Path, flags: list[str]) -> None:
    text = (
        HEAD.format(first=f"pools = {APART}")
        + """
@q.task
def flags():
    return [list(sys.flags), sorted(sys._xoptions), sys.warnoptions, sys.path, __debug__]
import os
os.environ["PYTHONPATH"] = "elsewhere"
for pool in pools:
    with q.running(concurrency=1, pool=pool):
        mine = [list(sys.flags), sorted(sys._xoptions), sys.warnoptions, [one or os.getcwd() for one in sys.path]]
        print(flags.delay().get(120) == [*mine, __debug__])
"""
    )
    if "-E" in flags:
        text = f"import sys; sys.path.insert(0, {os.getcwd()!r})\n" + text

    assert run_script(tmp_path, text, *flags) == ["True"] * len(APART)


#: What lies about where the tests are run, and would be packed too: an optional import somewhere is enough.
NOT_PACKED = (
    "IPython PIL PySide6 celery django ephem flask gevent hypothesis ipykernel jedi kombu matplotlib mypy numpy "
    "opentelemetry pkg_resources playwright psycopg pydantic pytest redis setuptools sphinx tkinter yaml zmq"
)


def said_by(folder: Path, program: str) -> list[str]:
    """Run a program that was built in a folder; return the lines it printed."""
    words = [folder / program]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PROGRAM_S, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("PyInstaller") is None, reason="PyInstaller is not installed")
@pytest.mark.timeout(900)
def test_a_build_of_pyinstaller_runs_its_jobs(tmp_path: Path) -> None:
    (tmp_path / "archiver.py").write_text(HEAD.format(first="freeze_support()") + TASK + USE)
    # It finds by itself what LocalQ brings along for it.
    build = ["PyInstaller", "--noconfirm", "--log-level=ERROR", "archiver.py"]
    left_out = [f"--exclude-module={name}" for name in NOT_PACKED.split()]
    subprocess.run([sys.executable, "-m", *build, *left_out], cwd=tmp_path, check=True, timeout=800)

    assert said_by(tmp_path, "dist/archiver/archiver") == SAID


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nuitka") is None, reason="Nuitka is not installed: nox -s nuitka")
@pytest.mark.timeout(3600)
def test_a_build_of_nuitka_runs_its_jobs(tmp_path: Path) -> None:
    (tmp_path / "archiver.py").write_text(HEAD.format(first="freeze_support()") + TASK + USE)
    brought = subprocess.run(
        [sys.executable, "-m", "localq.contrib.nuitka"], capture_output=True, text=True, check=True
    )
    build = ["--standalone", "--enable-plugin=dill-compat", f"--user-plugin={brought.stdout.strip()}"]
    left_out = [f"--nofollow-import-to={name}" for name in NOT_PACKED.split()]
    subprocess.run(
        [sys.executable, "-m", "nuitka", *build, "--lto=no", *left_out, "archiver.py"],
        cwd=tmp_path,
        check=True,
        timeout=3500,
    )

    assert said_by(tmp_path, "archiver.dist/archiver.bin") == SAID
