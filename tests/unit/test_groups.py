"""No test is left out of the project's checks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Folders that sessions of their own run.
OF_THEIR_OWN = {"celery", "crash"}


def test_every_folder_of_tests_is_run_by_a_session() -> None:
    text = (ROOT / "noxfile.py").read_text()
    found = re.search(r"^GROUPS = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    groups = set(re.findall(r'"(\w+)"', found[1]))
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders == groups | OF_THEIR_OWN
    for name in OF_THEIR_OWN:
        assert f"tests/{name}" in text


def test_the_checks_are_the_tests_of_readme_and_all_other_sessions() -> None:
    run = (ROOT / ".ci" / "run").read_text()
    sessions = re.search(r"^nox.options.sessions = \[(.*?)\]", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    command = re.search(r"\.venv/bin/(nox .*)", (ROOT / "README.md").read_text())
    assert sessions is not None
    assert command is not None

    asked = [word for line in re.findall(r"^  nox .* -s (.*)$", run, re.MULTILINE) for word in line.split()]

    assert f"  {command[1]}\n" in run
    assert asked == re.findall(r'"(\w+)"', sessions[1])
