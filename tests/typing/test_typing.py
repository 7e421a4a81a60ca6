from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CALLS = Path(__file__).with_name("calls.py")


def test_wrong_calls_are_type_errors_and_right_ones_are_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]

    done = subprocess.run(
        [*command, "--follow-imports=silent", f"--cache-dir={tmp_path}", str(CALLS)],
        capture_output=True,
        text=True,
        check=False,
    )

    found = re.findall(r"calls\.py:(\d+): error: .*\[([\w-]+)\]", done.stdout)
    lines = enumerate(CALLS.read_text().splitlines(), 1)
    wanted = [(str(n), line.partition("# error: ")[2]) for n, line in lines if "# error: " in line]
    assert found == wanted, done.stdout + done.stderr
