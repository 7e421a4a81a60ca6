"""The blocks of the page about moving on that are about Celery, run as they stand there."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]
_PAGE = (_REPOSITORY / "docs" / "moving-on.md").read_text().partition("## To Celery")[2]
_PATIENCE_S = 60


def blocks(kind: str) -> list[str]:
    """Return the blocks of a kind, in the order of the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", _PAGE, re.S | re.M)


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_REPOSITORY)}


def test_the_program_is_an_application_that_celery_s_command_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    module, use = blocks("python")
    assert module.startswith("# shop.py\n")
    (tmp_path / "shop.py").write_text(module)
    (tmp_path / "use.py").write_text(use)
    (command,) = blocks("bash")

    said = subprocess.run(
        [sys.executable, "use.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=_PATIENCE_S
    )

    assert (said.returncode, said.stdout) == (0, "celery.result\n"), said.stderr
    with (tmp_path / "out").open("wb") as out:
        words = [sys.executable, "-m", *shlex.split(command), "-l", "INFO"]
        worker = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        until = time.monotonic() + _PATIENCE_S
        while b"shop.send_receipt" not in (seen := (tmp_path / "out").read_bytes()) or b" ready." not in seen:
            assert worker.poll() is None, seen.decode()
            assert time.monotonic() < until, seen.decode()
            time.sleep(0.05)
    finally:
        worker.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
