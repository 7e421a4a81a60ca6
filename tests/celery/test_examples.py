"""Programs of examples/from_celery/ on Celery itself: their own tests, with nothing but the imports put back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "from_celery"
#: What stands in for Celery's modules here, longest first.
BACK = {
    "localq.testing": "celery.contrib.testing.worker",
    "localq.log": "celery.utils.log",
    "localq": "celery",
}


@pytest.mark.parametrize("program", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_a_program_that_was_moved_still_does_the_same_on_celery(program: str, tmp_path: Path) -> None:
    copy = tmp_path / program
    shutil.copytree(EXAMPLES / program, copy, ignore=shutil.ignore_patterns("__pycache__", "cache"))
    for path in copy.rglob("*.py"):
        text = path.read_text("utf-8")
        for ours, theirs in BACK.items():
            text = text.replace(ours, theirs)
        path.write_text(text, "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:localq.contrib.pytest", "-p", "no:cacheprovider", "."],
        cwd=copy, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout.splitlines()[-1]
