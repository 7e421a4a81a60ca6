"""Run a program on a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path


def on_terminal(*words: str, answer: str = "", columns: int = 120) -> tuple[int, str]:
    """Run localq where a person would see it; return its exit code and what was seen, without colours."""
    master, slave = pty.openpty()
    home = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": home, "COLUMNS": str(columns), "TERM": "xterm"}
    program = subprocess.Popen(
        [sys.executable, "-m", "localq", *words],
        stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    os.write(master, answer.encode())
    seen = b""
    try:
        while read := os.read(master, 65536):
            seen += read
    except OSError:  # what Linux says when the other end is closed
        pass
    finally:
        os.close(master)
    return program.wait(), re.sub(r"\x1b\[[0-9;]*m", "", seen.decode()).replace("\r\n", "\n")
