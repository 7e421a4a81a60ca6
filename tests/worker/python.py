"""Whole programs of a test: Python run with words, in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from localq.host.kinds import SLOTS_FORK
from tests.worker.waiting import PROGRAM_S

__all__ = ["APART", "run_python"]

#: Pools that run jobs in processes of their own here.
APART = ("processes", "asyncio") if SLOTS_FORK else ("processes",)


def run_python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with words in a folder; what a test hands to it is imported from where the tests run."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        check=False,
    )
