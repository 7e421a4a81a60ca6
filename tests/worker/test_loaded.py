"""What programs load until their first job is done: SQLAlchemy, of which no text is left to make, takes longest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.store.server import PLACES, place
from tests.worker.python import run_python

TASKS = """
import os, sys
from localq import LocalQ

app = LocalQ(url=os.environ["WHERE"])

@app.task
def loaded():
    return sorted(sys.modules)
"""
CALL = """
import sys
from tasks import app, loaded

told = loaded.delay().get(timeout=60)
print(*sys.modules)
print(*told)
"""


@pytest.mark.parametrize("kind", PLACES)
def test_neither_who_asks_nor_the_worker_loads_sqlalchemy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with place(kind, tmp_path) as where:
        monkeypatch.setenv("WHERE", where)
        caller, worker = loaded_by_both(tmp_path)

    assert "localq" in caller & worker
    assert "sqlalchemy" not in caller | worker


def test_what_neither_needs_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where paths are too long for a bell, they are made short by means that take long to load.
    with TemporaryDirectory(prefix="lq") as short:
        monkeypatch.setenv("WHERE", f"sqlite:///{short}/jobs.db")
        caller, worker = loaded_by_both(tmp_path)

    assert {"_hashlib", "ctypes", "difflib", "random", "tempfile"} & caller == set()
    assert {"importlib.metadata", "localq.schedules", "logging.handlers"} & worker == set()


def loaded_by_both(folder: Path) -> tuple[set[str], set[str]]:
    """Return what a program that calls a task has loaded, and the worker whose thread runs it."""
    (folder / "tasks.py").write_text(TASKS, "utf-8")
    words = [sys.executable, "-m", "localq", "worker", "-A", "tasks", "--pool", "threads"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        try:
            done = run_python(folder, "-c", CALL)
        finally:
            worker.terminate()

    assert done.returncode == 0, done.stderr
    caller, slot = (set(line.split()) for line in done.stdout.splitlines())
    return caller, slot
