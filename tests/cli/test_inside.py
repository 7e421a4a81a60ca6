from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import localq as package
from localq import LocalQ
from localq.cli.commands.inside import names
from localq.monitor.bug_report import report
from tests.worker.waiting import PROGRAM_S


def test_a_shell_knows_the_app_and_its_tasks(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(
        "from localq import LocalQ\nq = LocalQ(path='jobs.db')\n@q.task\ndef add(x, y): return x + y\n"
    )
    home = str(Path(package.__file__).parents[1])

    done = subprocess.run(
        [sys.executable, "-m", "localq", "-A", "tasks", "shell", "--python"],
        input="print(add(1, 2), app.tasks['tasks.add'] is add)\n",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": home},
        capture_output=True, text=True, timeout=PROGRAM_S, check=True,
    )  # fmt: skip

    assert "3 True" in done.stdout


def test_a_task_does_not_hide_what_the_shell_knows(q: LocalQ) -> None:
    @q.task(name="shop.signature")
    def signature() -> None: ...

    @q.task(name="shop.pay")
    def pay() -> None: ...

    assert names(q)["signature"] is package.signature
    assert names(q)["pay"] is pay
    assert "pay" not in names(q, tasks=False)


def test_a_shell_that_is_not_installed_is_named(localq: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localq.cli.commands.inside._there", lambda kind: kind != "bpython")

    result = localq("shell", "-B")

    assert result.exit_code == 2
    assert "pip install bpython" in result.output


def test_a_report_tells_versions_and_settings(q: LocalQ, localq: Callable[..., Result]) -> None:
    q.conf.worker_concurrency = 3

    assert f"localq:{package.__version__} py:" in localq("report").output
    assert "worker_concurrency: 3" in report(q)
    assert "sqlalchemy:" in report(q)


def test_a_graph_shows_workers_and_the_queues_they_serve(q: LocalQ, localq: Callable[..., Result]) -> None:
    q.send_task("x", queue='the "first"')
    q.send_task("x", queue="other")

    with q.running(pool="threads", concurrency=2, name="w@h", queues=["other"]):
        shown = localq("graph", "workers").output

    assert shown.startswith("digraph localq {")
    assert '"queue other" -> "w@h"\n' in shown
    assert 'label="the \\"first\\""' in shown
    assert '"queue the \\"first\\"" -> "w@h"\n' not in shown
    assert "2 x threads" in shown
