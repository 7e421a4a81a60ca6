"""What type checkers say of calls: the errors that calls.py names, in both, and no others."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

CALLS = Path(__file__).with_name("calls.py")


def wanted() -> list[tuple[int, str]]:
    """Return the lines of calls.py that say which error they are."""
    lines = enumerate(CALLS.read_text().splitlines(), 1)
    return [(n, line.partition("# error: ")[2]) for n, line in lines if "# error: " in line]


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words, str(CALLS)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_wrong_calls_are_type_errors_and_right_ones_are_not(tmp_path: Path) -> None:
    said = run(
        "mypy",
        "--strict",
        "--no-error-summary",
        "--hide-error-context",
        "--follow-imports=silent",
        f"--cache-dir={tmp_path}",
    )

    found = [(int(n), kind) for n, kind in re.findall(r"calls\.py:(\d+): error: .*\[([\w-]+)\]", said)]
    assert found == wanted(), said


def test_pyright_which_completes_in_editors_finds_the_same() -> None:
    said = run("pyright", "--outputjson", "--pythonpath", sys.executable)

    told = json.loads(said[said.index("{") : said.rindex("}") + 1])["generalDiagnostics"]
    assert [one["range"]["start"]["line"] + 1 for one in told] == [line for line, _ in wanted()], said
